import { WeftError } from "../core/error.ts";
import { isTransient } from "../db.ts";
import { isServiceError } from "./status.ts";

/**
 * The handler, with an outage of Postgres told as `unavailable`: a caller repeats its call, and one that follows a job
 * or a log goes on when Postgres is back. Everything else is passed on as it is.
 */
export function tellingOutages<Given extends unknown[], Answer>(
  handle: (...given: Given) => Promise<Answer> | Answer,
): (...given: Given) => Promise<Answer> {
  return async (...given) => {
    try {
      return await handle(...given);
    } catch (error) {
      if (error instanceof WeftError || isServiceError(error) || !isTransient(error)) throw error;
      throw new WeftError("unavailable", "the server's database does not answer at this moment; try again", {
        cause: error,
      });
    }
  };
}
