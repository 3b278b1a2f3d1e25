/** Cycles, upward imports and Node-only modules below level 5. Package levels: scripts/structure.ts. */
const BROWSER_SAFE =
  "^packages/(tfjs-onnx|core|image|layers|weights|metrics|backbones|modalities|text|clip|detector|sam|method|data)/src";

export default {
  forbidden: [
    {name: "no-cycles", severity: "error", from: {}, to: {circular: true}},
    {
      name: "browser-safe",
      comment: "levels 0 to 4 run in a browser: Node modules only in *.node.ts files",
      severity: "error",
      from: {path: BROWSER_SAFE, pathNot: "\\.(node|test|twin)\\.ts$"},
      to: {dependencyTypes: ["core"]},
    },
    {
      name: "onnxruntime-in-one-file",
      severity: "error",
      from: {pathNot: "^packages/tfjs-onnx/src/session\\.node\\.ts$"},
      to: {path: "node_modules/onnxruntime-"},
    },
    {
      name: "models-never-meet",
      comment: "clip, detector and sam meet only in method",
      severity: "error",
      from: {path: "^packages/(clip|detector|sam)/"},
      to: {path: "^packages/(clip|detector|sam)/", pathNot: "^packages/$1/"},
    },
    {
      name: "no-deep-imports",
      comment: "another package is reached through its index or a declared subpath",
      severity: "error",
      from: {path: "^packages/([^/]+)/"},
      to: {path: "^packages/([^/]+)/src/(?!index\\.ts|testing\\.ts)", pathNot: "^packages/($1|modalities)/"},
    },
    {
      name: "resolvable",
      severity: "error",
      from: {},
      to: {couldNotResolve: true, pathNot: "tfjs-node-gpu"},
    },
  ],
  options: {
    doNotFollow: {path: "node_modules"},
    exclude: {path: "(^|/)(dist|fixtures|results)/"},
    tsPreCompilationDeps: false,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["@claps/source", "node", "import", "default"],
      mainFields: ["module", "main", "types"],
      extensions: [".ts", ".js", ".json"],
    },
  },
};
