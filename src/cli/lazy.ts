import type { Argv, CommandModule } from 'yargs';

/** What a command does; its name and its line in the help are in the list that loads it. */
export interface CommandBody<Arguments> {
  readonly builder: (yargs: Argv) => Argv;
  readonly handler: (args: Arguments) => void | Promise<void>;
}

/** A command as the help lists it. `load` is called with the words after its name, when it is wanted. */
export interface Listed {
  /** Name and positionals, as yargs has them. */
  readonly command: string;
  readonly describe: string;
  readonly load: (rest: readonly string[]) => Promise<CommandBody<never>>;
}

/** The commands of a list, of which only the one that `args` name is loaded: the others' libraries take their time. */
export async function commandsOf(
  list: readonly Listed[],
  args: readonly string[],
): Promise<CommandModule<object, object>[]> {
  const at = args.findIndex((word) => !word.startsWith('-'));
  return Promise.all(
    list.map(async ({ command, describe, load }) => {
      const named = command.split(' ')[0] === args[at];
      // yargs waits for a builder that is a promise, but shows the name twice in the help of one that fails.
      const body = named ? await load(args.slice(at + 1)) : later(() => load([]));
      return { command, describe, ...body } as CommandModule<object, object>;
    }),
  );
}

function later(load: () => Promise<CommandBody<never>>) {
  return {
    builder: async (yargs: Argv) => (await load()).builder(yargs),
    handler: async (args: object) => (await load()).handler(args as never),
  };
}

/** A command that has commands. */
export function group(list: readonly Listed[]): Listed['load'] {
  return async (rest) => {
    const commands = await commandsOf(list, rest);
    const names = list.map(({ command }) => command.split(' ')[0]);
    return {
      builder: (yargs: Argv) => {
        for (const command of commands) yargs.command(command);
        return yargs.demandCommand(1, `Name what to do: ${names.join(', ')}`);
      },
      handler: () => {},
    };
  };
}
