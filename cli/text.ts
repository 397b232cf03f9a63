/** Text for a terminal of 80 columns. Pure. */

export const COLUMNS = 80;

/** What the service tells must not steer the terminal: control characters and turns of the writing direction go. */
export function printable(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]+/g, " ");
}

export const widthOf = (text: string): number => [...text].length;

/** Cut to a width, the cut marked. */
export function fit(text: string, width: number): string {
  const characters = [...text];
  return characters.length <= width ? text : `${characters.slice(0, Math.max(0, width - 1)).join("")}…`;
}

/** Lines of at most that many columns, broken at spaces where there are any. */
export function wrap(text: string, indent = "", columns = COLUMNS): string[] {
  const room = columns - widthOf(indent);
  const lines: string[] = [];
  let line = "";
  for (const word of printable(text)
    .split(" ")
    .flatMap((one) => pieces(one, room))) {
    if (line !== "" && widthOf(line) + 1 + widthOf(word) > room) {
      lines.push(line);
      line = "";
    }
    line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].map((one) => `${indent}${one}`);
}

function pieces(word: string, room: number): string[] {
  const characters = [...word];
  if (characters.length <= room) return [word];
  return [characters.slice(0, room).join(""), ...pieces(characters.slice(room).join(""), room)];
}

/** Columns as wide as their longest cell; the first one gives way where the row would be too wide. */
export function table(rows: string[][], columns = COLUMNS): string[] {
  const widths = (rows[0] ?? []).map((_, index) => Math.max(...rows.map((row) => widthOf(row[index] ?? ""))));
  const others = widths.slice(1).reduce((sum, width) => sum + width + 2, 0);
  widths[0] = Math.min(widths[0] ?? 0, Math.max(8, columns - others));
  return rows.map((row) =>
    row
      .map((cell, index) => {
        const width = widths[index] ?? 0;
        return fit(printable(cell), width).padEnd(width);
      })
      .join("  ")
      .trimEnd(),
  );
}

/** `18.9 s`, `2 min 05 s`, `1 h 02 min`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const [minutes, rest] = [Math.floor(seconds / 60), Math.floor(seconds % 60)];
  if (minutes < 60) return `${minutes} min ${String(rest).padStart(2, "0")} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** `2026-11-26 15:10:02`, in UTC as everything the service tells. */
export const moment = (iso: string): string => iso.slice(0, 19).replace("T", " ");
