import { Argument, Command } from "commander";
import { COMMANDS } from "../command-list.ts";
import { completionScript, SHELLS, type Shell } from "../completion-script.ts";
import { stdout } from "../terminal.ts";

export function completionCommand(): Command {
  return new Command("completion")
    .description("print the completion script for a shell")
    .addArgument(new Argument("<shell>", "which one").choices(SHELLS))
    .addHelpText(
      "after",
      `
Examples:
  $ weft completion bash > ~/.local/share/bash-completion/completions/weft
  $ weft completion zsh > "\${fpath[1]}/_weft"
  $ weft completion fish > ~/.config/fish/completions/weft.fish`,
    )
    .action(async (shell: Shell, _options: object, command: Command) => {
      const shown = COMMANDS.filter((entry) => !entry.hidden).map(({ name, summary }) => ({
        name,
        summary,
        options: (command.parent?.commands.find((each) => each.name() === name)?.options ?? [])
          .filter((option) => !option.hidden && option.long)
          .map((option) => ({ flag: option.long!, summary: option.description })),
      }));
      stdout.write(completionScript(shell, shown));
    });
}
