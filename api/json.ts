/** What is asked for again and again while it stays the same. */
import type { Context } from "hono";

const texts = new WeakMap<object, string>();

/** Answers a frozen document; its text is made once. */
export function answerJson(c: Context, document: Readonly<object>): Response {
  let text = texts.get(document);
  if (text === undefined) {
    text = JSON.stringify(document);
    texts.set(document, text);
  }
  return c.body(text, 200, { "Content-Type": "application/json" });
}
