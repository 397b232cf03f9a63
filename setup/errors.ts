/** What stops a set-up and what to do about it: the message is for the person who runs the command. */
export class SetupError extends Error {
  override readonly name = "SetupError";
}
