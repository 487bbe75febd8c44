const FIRST =
  "amber bold brave bright brisk calm clever crisp daring deft eager early fair fleet fond gentle golden grand happy hardy honest humble jolly keen kind lively loyal lucky mellow merry mild neat nimble noble patient placid polite proud quick quiet rapid ready robust rustic serene sharp silent sincere smooth snowy solid spry stable steady still sturdy subtle sunny swift tidy tranquil trusty upbeat vivid warm wise witty zesty".split(
    " ",
  );
const SECOND =
  "ant badger bat bear beaver bee bison boar bream carp cat cod colt crab crane crow deer dove duck eagle eel elk ewe finch fish fly foal fox frog gnat goat goose grouse gull hare hawk hen heron horse hound ibex jay kite koi lamb lark lynx mare mink mole moose moth mouse mule newt otter owl ox perch pike pony quail ram rat raven rook seal shad shark sheep shrew skunk slug snail snipe sole squid stag stork swan tern toad trout vole wasp whale wolf worm wren yak".split(
    " ",
  );

/** A name for a run that was given none, e.g. `quiet-otter-512`; `random` is from 0 to below 1, and is asked three times. */
export function makeRunName(random: () => number): string {
  const pick = (words: readonly string[]): string => words[Math.floor(random() * words.length)]!;
  return `${pick(FIRST)}-${pick(SECOND)}-${Math.floor(random() * 1000)}`;
}
