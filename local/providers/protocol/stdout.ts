/** Keeps standard output for what the other side reads there; whatever else is printed belongs on standard error. */
export function reserveStdout(): (line: string) => void {
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = process.stderr.write.bind(process.stderr);
  return (line) => void write(line);
}
