import {ConfigError, createRandom, DataError, ShapeError} from "@claps/core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {fitLogisticRegression, logLoss, predictProbabilities} from "./logistic-regression.js";
import {minimize} from "./minimize.js";

function close(actual: number | undefined, expected: number, within: number): void {
  assert.ok(Math.abs((actual ?? NaN) - expected) <= within, `expected ${expected}, got ${actual}`);
}

/** 24 rows of 4 numbers, the last column far from 0, in three groups that overlap. */
const FEATURES = Float32Array.from([
  -0.28, 0.83, -1.06, 4.61, 0.48, -0.24, 0.96, 4.8, 0.02, 1.55, 0.55, 4.49, -0.18, 0.54, 1.94, 4.73, -0.24,
  1.0, -0.89, 4.71, 0.88, 2.08, 0.09, 5.67, -2.83, 2.52, -0.96, 3.33, 1.28, 0.7, -0.44, 3.92, 0.03, -0.05,
  1.41, 5.75, 0.19, 1.11, -0.21, 4.07, 0.58, 0.58, -0.21, 4.22, 1.23, -2.49, 0.69, 5.49, -0.64, 0.06, -0.96,
  5.76, -1.03, -0.91, 0.71, 6.16, -2.16, -0.5, 0.33, 4.39, 1.59, -1.19, 0.35, 3.95, 1.41, 1.48, -0.37, 3.28,
  1.68, 2.25, 0.75, 6.14, 0.35, -0.64, -0.8, 4.2, 1.37, -1.46, -0.6, 4.68, 1.22, 0.58, -1.25, 3.27, 1.0, 1.21,
  0.76, 5.22, -0.32, 1.79, -0.24, 5.82, 0.21, 0.13, -0.11, 5.54,
]);
const THREE = [2, 0, 0, 0, 0, 2, 2, 1, 0, 0, 0, 1, 1, 1, 0, 0, 2, 2, 0, 0, 1, 1, 2, 1];
const TWO = [1, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 1, 1];

/** scikit-learn 1.9.1, LogisticRegression with C = 1 / penalty and tol = 1e-12, on the rows above. */
const FITS = [
  {
    classes: TWO,
    classCount: 2,
    penalty: 10,
    coefficients: [0.06070125, 0.23155277, -0.20037883, 0.20050283],
    intercepts: [-0.89885033],
    firstRow: [0.3981782, 0.6018218],
    loss: 0.61873659,
  },
  {
    classes: TWO,
    classCount: 2,
    penalty: 1,
    coefficients: [0.22514234, 0.51271271, -0.79150329, 0.83791212],
    intercepts: [-4.04785046],
    firstRow: [0.26572345, 0.73427655],
    loss: 0.53020516,
  },
  {
    classes: TWO,
    classCount: 2,
    penalty: 0.01,
    coefficients: [0.37770772, 0.72021059, -1.43903593, 1.535834],
    intercepts: [-7.40581617],
    firstRow: [0.15554276, 0.84445724],
    loss: 0.5066765,
  },
  {
    classes: THREE,
    classCount: 3,
    penalty: 10,
    coefficients: [
      -0.05621836, -0.21700462, 0.18319649, -0.18358483, 0.08279303, -0.225968, -0.07181969, 0.14019028,
      -0.02657467, 0.44297263, -0.11137679, 0.04339454,
    ],
    intercepts: [1.39080068, -0.63493725, -0.75586343],
    firstRow: [0.39777707, 0.29198763, 0.3102353],
    loss: 0.83391304,
  },
  {
    classes: THREE,
    classCount: 3,
    penalty: 1,
    coefficients: [
      -0.27532223, -0.69463486, 0.66115089, -0.67870837, 0.29013443, -0.66525054, -0.17955772, 0.51350755,
      -0.0148122, 1.3598854, -0.48159317, 0.16520082,
    ],
    intercepts: [4.32619311, -1.9900534, -2.33613971],
    firstRow: [0.33185553, 0.3116189, 0.35652558],
    loss: 0.60615779,
  },
  {
    classes: THREE,
    classCount: 3,
    penalty: 0.01,
    coefficients: [
      -1.39457692, -3.27459477, 2.63606203, -2.01302408, 0.63573332, -2.60460019, 0.91061186, 1.19748945,
      0.7588436, 5.87919496, -3.54667389, 0.81553463,
    ],
    intercepts: [14.30940734, -2.25845168, -12.05095566],
    firstRow: [0.30247042, 0.31772236, 0.37980722],
    loss: 0.42525341,
  },
];

test("scikit-learn's LogisticRegression: coefficients, intercepts, probabilities and loss", () => {
  for (const {classes, classCount, penalty, coefficients, intercepts, firstRow, loss} of FITS) {
    const model = fitLogisticRegression({features: FEATURES, width: 4, classes, classCount, penalty});
    assert.ok(model.converged, `penalty ${penalty}: not converged after ${model.steps} steps`);
    const within = penalty < 1 ? 1e-5 : 1e-6;
    coefficients.forEach((wanted, at) => close(model.coefficients[at], wanted, within));
    intercepts.forEach((wanted, at) => close(model.intercepts[at], wanted, within * 5));
    const table = predictProbabilities(model, FEATURES);
    firstRow.forEach((wanted, at) => close(table[at], wanted, 1e-6));
    close(logLoss(model, FEATURES, classes), loss, 1e-6);
  }
});

test("by hand: rows -1 and 1, penalty 1: w = 2 / (1 + exp(w)), so that w = 0.6748; the intercept is 0", () => {
  const model = fitLogisticRegression({
    features: Float32Array.of(-1, 1),
    width: 1,
    classes: [0, 1],
    classCount: 2,
    penalty: 1,
  });
  const w = model.coefficients[0] ?? NaN;
  close(w, 2 / (1 + Math.exp(w)), 1e-8);
  close(w, 0.6748, 1e-4);
  close(model.intercepts[0], 0, 1e-8);
});

test("features that say nothing: probabilities are the shares of the classes", () => {
  const fit = (classes: number[], classCount: number): number[] => {
    const features = new Float32Array(classes.length).fill(7);
    const model = fitLogisticRegression({features, width: 1, classes, classCount, penalty: 1});
    return [...predictProbabilities(model, Float32Array.of(7))];
  };
  [0.75, 0.25].forEach((wanted, at) => close(fit([0, 1, 0, 0], 2)[at], wanted, 1e-7));
  [0.5, 0.25, 0.25].forEach((wanted, at) => close(fit([0, 1, 0, 2], 3)[at], wanted, 1e-7));
});

test("groups that are parted for certain, and huge features, give finite answers", () => {
  const model = fitLogisticRegression({
    features: Float32Array.of(-1e4, -9e3, 9e3, 1e4),
    width: 1,
    classes: [0, 0, 1, 1],
    classCount: 2,
    penalty: 1e-4,
  });
  const table = predictProbabilities(model, Float32Array.of(-1e30, 1e30));
  assert.equal([...table], [1, 0, 0, 1]);
  assert.ok(Number.isFinite(logLoss(model, Float32Array.of(-1e30), [1])));
});

test("more numbers than rows, as with frozen features: the gradient vanishes, from anywhere", () => {
  const random = createRandom(11);
  const [rows, width] = [30, 64];
  const features = random.normalArray(rows * width);
  const classes = Array.from({length: rows}, (_, row) => row % 3);
  const problem = {features, width, classes, classCount: 3};
  const cold = fitLogisticRegression({...problem, penalty: 0.01});
  const other = fitLogisticRegression({...problem, penalty: 1});
  const warm = fitLogisticRegression({...problem, penalty: 0.01, start: other});
  assert.equal([cold.converged, warm.converged], [true, true]);
  cold.coefficients.forEach((wanted, at) => close(warm.coefficients[at], wanted, 1e-5));
});

test("the search finds the bottom of a narrow bent valley", () => {
  // Rosenbrock's function has its only minimum, 0, at (1, 1).
  const {point, value, converged} = minimize(
    ([x = 0, y = 0], gradient) => {
      gradient[0] = -2 * (1 - x) - 400 * x * (y - x * x);
      gradient[1] = 200 * (y - x * x);
      return (1 - x) ** 2 + 100 * (y - x * x) ** 2;
    },
    {start: Float64Array.of(-1.2, 1), tolerance: 1e-9},
  );
  assert.ok(converged);
  close(point[0], 1, 1e-8);
  close(point[1], 1, 1e-8);
  close(value, 0, 1e-15);
  const short = minimize(
    ([x = 0], gradient) => {
      gradient[0] = Math.exp(x) - 1;
      return Math.exp(x) - x;
    },
    {start: Float64Array.of(3), tolerance: 1e-12, maxSteps: 2},
  );
  assert.equal([short.converged, short.steps], [false, 2]);
});

test("what cannot be fitted is refused", () => {
  const good = {features: Float32Array.of(0, 1), width: 1, classes: [0, 1], classCount: 2, penalty: 1};
  const refuses = (
    change: Partial<typeof good>,
    kind: typeof ShapeError | typeof ConfigError | typeof DataError,
    message: RegExp,
  ): void =>
    assert.throws(
      () => fitLogisticRegression({...good, ...change}),
      (error: unknown) => error instanceof kind && message.test(error.message),
    );
  refuses({penalty: 0}, ConfigError, /penalty: expected a number above 0, got 0/);
  refuses({penalty: NaN}, ConfigError, /got NaN/);
  refuses({width: 2}, ShapeError, /2 rows of 2 numbers, got 2/);
  refuses({classes: [0, 2]}, ConfigError, /classes\[1\]: .* at most 1, got 2/);
  refuses({classes: [1, 1]}, DataError, /at least two classes among 2 rows, got 1/);
  refuses({features: Float32Array.of(0, NaN)}, DataError, /got NaN in row 1/);
  const model = fitLogisticRegression({...good, features: new Float32Array(4), width: 2});
  assert.throws(
    () => predictProbabilities(model, new Float32Array(3)),
    (error: unknown) => error instanceof ShapeError && /rows of 2 numbers, got 3/.test(error.message),
  );
});

test.run();
