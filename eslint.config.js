import js from "@eslint/js";
import tseslint from "typescript-eslint";
import boundaries from "eslint-plugin-boundaries";

// api → automation → stacks, never back; local/ is known only to the commands (the composition root); cli/ asks over HTTP.
const layers = ["api", "automation", "stacks", "local", "setup", "cli", "commands", "bench", "test"];
const allowed = {
  stacks: ["stacks"],
  automation: ["automation", "stacks"],
  api: ["api", "automation", "stacks"],
  local: ["local"],
  setup: ["setup"],
  cli: ["cli"],
  commands: layers.filter((layer) => layer !== "test"),
  bench: layers.filter((layer) => layer !== "test"),
  test: layers,
};

export default tseslint.config(
  { ignores: ["node_modules/", ".tierlift/", "**/*.mjs"] },
  js.configs.recommended,
  tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    plugins: { boundaries },
    settings: {
      "boundaries/elements": layers.map((type) => ({ type, pattern: `${type}/**`, mode: "full" })),
      "import/resolver": { node: { extensions: [".ts", ".js"] } },
    },
    rules: {
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "boundaries/element-types": [
        "error",
        {
          default: "disallow",
          rules: [
            ...Object.entries(allowed).map(([from, allow]) => ({ from: [from], allow })),
            // A client of the REST API knows what is answered, and nothing of how.
            { from: ["cli"], allow: ["automation", "stacks"], importKind: "type" },
          ],
        },
      ],
    },
  },
  { files: ["**/*.js"], extends: [tseslint.configs.disableTypeChecked] },
);
