export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

export interface CompletedCommand {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly { readonly flag: string; readonly summary: string }[];
}

/** Commands whose first argument is a job, and those whose second is one of its tasks. */
const TAKES_JOB = ["job", "logs", "cancel", "get", "lineage", "explain", "exec", "forward"];
const TAKES_TASK = ["logs", "get", "explain", "exec", "forward"];
const TAKES_NODE = ["node", "cordon", "drain", "uncordon"];

/** Completes commands, options, files, ids of jobs, names of tasks and of nodes. */
export function completionScript(shell: Shell, commands: readonly CompletedCommand[]): string {
  switch (shell) {
    case "bash":
      return bash(commands);
    case "zsh":
      return zsh(commands);
    case "fish":
      return fish(commands);
  }
}

function bash(commands: readonly CompletedCommand[]): string {
  const cases = commands.map(
    ({ name, options }) => `    ${name}) flags="${options.map(({ flag }) => flag).join(" ")}" ;;`,
  );
  return `# bash completion of weft
_weft() {
  local word="\${COMP_WORDS[COMP_CWORD]}" command="\${COMP_WORDS[1]}" flags=""
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(" ")} help" -- "$word"))
    return
  fi
  case "$command" in
${cases.join("\n")}
  esac
  case "$word" in
    -*) COMPREPLY=($(compgen -W "$flags --help" -- "$word")); return ;;
  esac
  case "$COMP_CWORD:$command" in
    2:${TAKES_JOB.join("|2:")}) COMPREPLY=($(compgen -W "$(weft words jobs 2>/dev/null)" -- "$word")) ;;
    3:${TAKES_TASK.join("|3:")}) COMPREPLY=($(compgen -W "$(weft words tasks "\${COMP_WORDS[2]}" 2>/dev/null)" -- "$word")) ;;
    2:${TAKES_NODE.join("|2:")}) COMPREPLY=($(compgen -W "$(weft words nodes 2>/dev/null)" -- "$word")) ;;
    2:completion) COMPREPLY=($(compgen -W "${SHELLS.join(" ")}" -- "$word")) ;;
    *:submit) COMPREPLY=($(compgen -f -- "$word")) ;;
  esac
}
complete -o filenames -F _weft weft
`;
}

function zsh(commands: readonly CompletedCommand[]): string {
  const quote = (text: string): string =>
    text.replaceAll("'", "'\\''").replaceAll(":", "\\:").replaceAll(/[[\]]/g, "\\$&");
  const list = commands.map(({ name, summary }) => `    '${name}:${quote(summary)}'`);
  const cases = commands.map(({ name, options }) => {
    const flags = options.map(({ flag, summary }) => `'${flag}[${quote(summary)}]'`).join(" ");
    const first = TAKES_JOB.includes(name)
      ? "'1:job:_weft_jobs'"
      : TAKES_NODE.includes(name)
        ? "'1:node:_weft_nodes'"
        : name === "completion"
          ? `'1:shell:(${SHELLS.join(" ")})'`
          : name === "submit"
            ? "'1:file:_files'"
            : "";
    const second = TAKES_TASK.includes(name) ? "'2:task:_weft_tasks'" : "";
    return `    ${name}) _arguments ${[flags, first, second].filter((part) => part !== "").join(" ")} ;;`;
  });
  return `#compdef weft
# zsh completion of weft
_weft_jobs() { compadd -- \${(f)"$(weft words jobs 2>/dev/null)"} }
_weft_nodes() { compadd -- \${(f)"$(weft words nodes 2>/dev/null)"} }
_weft_tasks() { compadd -- \${(f)"$(weft words tasks \${words[2]} 2>/dev/null)"} }
_weft() {
  local -a commands
  commands=(
${list.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  shift words
  (( CURRENT-- ))
  case "\${words[1]}" in
${cases.join("\n")}
  esac
}
if [ "$funcstack[1]" = "_weft" ]; then _weft "$@"; else compdef _weft weft; fi
`;
}

function fish(commands: readonly CompletedCommand[]): string {
  const quote = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  const lines = commands.flatMap(({ name, summary, options }) => [
    `complete -c weft -n __fish_use_subcommand -a ${name} -d ${quote(summary)}`,
    ...options.map(
      (option) =>
        `complete -c weft -n '__fish_seen_subcommand_from ${name}' -l ${option.flag.slice(2)} -d ${quote(option.summary)}`,
    ),
  ]);
  const seen = (names: readonly string[]): string => `'__fish_seen_subcommand_from ${names.join(" ")}'`;
  return `# fish completion of weft
complete -c weft -f
${lines.join("\n")}
complete -c weft -n ${seen(TAKES_JOB)} -a '(weft words jobs 2>/dev/null)'
complete -c weft -n ${seen(TAKES_NODE)} -a '(weft words nodes 2>/dev/null)'
complete -c weft -n ${seen(["completion"])} -a '${SHELLS.join(" ")}'
complete -c weft -n ${seen(["submit"])} -F
`;
}
