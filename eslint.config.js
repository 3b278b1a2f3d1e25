import js from "@eslint/js";
import prettier from "eslint-config-prettier";
import tsdoc from "eslint-plugin-tsdoc";
import tseslint from "typescript-eslint";

export default tseslint.config(
  {ignores: ["**/dist/**", "**/node_modules/**", "docs/reference/**", "**/fixtures/**", "**/runs/**"]},
  js.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [...tseslint.configs.recommendedTypeChecked],
    plugins: {tsdoc},
    languageOptions: {parserOptions: {projectService: true, tsconfigRootDir: import.meta.dirname}},
    rules: {
      "tsdoc/syntax": "error",
      "@typescript-eslint/explicit-module-boundary-types": "error",
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/consistent-type-imports": ["error", {fixStyle: "separate-type-imports"}],
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/restrict-template-expressions": ["error", {allowNumber: true, allowBoolean: true}],
      "@typescript-eslint/unbound-method": "off",
      "no-restricted-syntax": [
        "error",
        {
          selector: "CallExpression[callee.property.name='only']",
          message: "An .only left behind hides every other test.",
        },
      ],
      "no-restricted-properties": [
        "error",
        {object: "Math", property: "random", message: "Randomness comes from createRandom(seed) only."},
      ],
      "no-restricted-imports": [
        "error",
        {patterns: [{group: ["@claps/*/src/*", "@tensorflow/*/dist/*"], message: "No deep imports."}]},
      ],
    },
  },
  {
    files: ["**/*.test.ts", "**/*.twin.ts"],
    rules: {"@typescript-eslint/explicit-module-boundary-types": "off"},
  },
  {
    files: ["**/*.js"],
    languageOptions: {globals: {process: "readonly", URL: "readonly", console: "readonly"}},
  },
  prettier,
);
