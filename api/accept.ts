/** Which of the offered media types a client wants most. Pure. */

interface Range {
  type: string;
  subtype: string;
  quality: number;
}

/**
 * Picks by quality, then by the order of the offers (RFC 9110, 12.5.1: the most specific range decides a type's
 * quality). Without a header, or when nothing offered is wanted, it is the first offer.
 */
export function preferredType<Offer extends string>(
  header: string | undefined,
  offers: readonly [Offer, ...Offer[]],
): Offer {
  const ranges = parseAccept(header ?? "");
  let [best] = offers;
  let bestQuality = 0;
  for (const offer of offers) {
    const quality = qualityOf(offer, ranges);
    if (quality <= bestQuality) continue;
    best = offer;
    bestQuality = quality;
  }
  return best;
}

function parseAccept(header: string): Range[] {
  return header.split(",").flatMap((part) => {
    const [range = "", ...parameters] = part.split(";").map((piece) => piece.trim().toLowerCase());
    const [type, subtype] = range.split("/");
    if (!type || !subtype) return [];
    const weight = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2);
    const quality = weight === undefined ? 1 : Number(weight);
    return [{ type, subtype, quality: quality >= 0 && quality <= 1 ? quality : 0 }];
  });
}

function qualityOf(offer: string, ranges: Range[]): number {
  const [type, subtype] = offer.split("/");
  const specificity = (range: Range): number => {
    if (range.type === type && range.subtype === subtype) return 3;
    if (range.type === type && range.subtype === "*") return 2;
    return range.type === "*" && range.subtype === "*" ? 1 : 0;
  };
  const [decisive] = ranges
    .filter((range) => specificity(range) > 0)
    .sort((a, b) => specificity(b) - specificity(a));
  return decisive?.quality ?? 0;
}
