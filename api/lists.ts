/** Lists in pages: which part of it is answered, and how a client finds the others. */
import type { Context } from "hono";

export interface PageRequest {
  /** From 1. */
  page: number;
  /** Items on a page. */
  size: number;
}

/** For lists that are answered whole unless a page is asked for. */
export function pageOf({ page, size }: Partial<PageRequest>): PageRequest | undefined {
  return page === undefined && size === undefined ? undefined : { page: page ?? 1, size: size ?? 20 };
}

/** Sorts by a field of strings, which a minus in front turns round; equal ones by id, so that pages never overlap. */
export function sortedBy<T extends { id: string }>(
  items: readonly T[],
  sort: string,
  valueOf: (item: T, field: string) => string,
): T[] {
  const [field, sign] = sort.startsWith("-") ? [sort.slice(1), -1] : [sort, 1];
  return [...items].sort(
    (a, b) => sign * compare(valueOf(a, field), valueOf(b, field)) || compare(a.id, b.id),
  );
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The asked page of a list, with the headers that tell of the rest. */
export function answerPage<T>(c: Context, items: T[], page: PageRequest | undefined): T[] {
  tellTotal(c, items.length, page);
  return page === undefined ? items : items.slice((page.page - 1) * page.size, page.page * page.size);
}

/** Sets `X-Total-Count`, and for a page `Link` with its neighbours (RFC 8288, relative to this service). */
export function tellTotal(c: Context, total: number, asked: PageRequest | undefined): void {
  c.header("X-Total-Count", String(total));
  if (asked === undefined) return;
  const { page, size } = asked;
  const last = Math.max(1, Math.ceil(total / size));
  const links = [
    ["first", 1],
    ...(page > 1 ? [["prev", Math.min(page - 1, last)] as const] : []),
    ...(page < last ? [["next", page + 1] as const] : []),
    ["last", last],
  ] as const;
  c.header("Link", links.map(([rel, number]) => `<${addressOf(c, number, size)}>; rel="${rel}"`).join(", "));
}

function addressOf(c: Context, page: number, size: number): string {
  const query = new URLSearchParams(c.req.query());
  query.set("page", String(page));
  query.set("size", String(size));
  return `${c.req.path}?${query.toString()}`;
}
