import {ConfigError, ShapeError} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {Block} from "./block.js";
import {constant, ones, zeros} from "./initializers.js";
import {checkLayer, expectClose, startTestEngine} from "./testing.js";

await startTestEngine();

class Scale extends Block {
  readonly weight = this.addVariable("weight", [3], constant(2));

  override forward(x: tf.Tensor): tf.Tensor {
    return tf.mul(x, this.weight);
  }
}

class Tower extends Block {
  readonly offset = this.addVariable("offset", [3], zeros());
  readonly table = this.addVariable("table", [3], ones(), {trainable: false});
  readonly layers = this.addBlocks("layers", [new Scale(), new Scale()]);
  readonly head = this.addBlock("head.scale", new Scale());

  override forward(x: tf.Tensor): tf.Tensor {
    const scaled = this.layers.reduce((value, layer) => layer.forward(value), x);
    return tf.add(this.head.forward(scaled), tf.mul(this.offset, this.table));
  }
}

test("weights are named by their path through the tree", () => {
  const tower = new Tower();
  assert.equal(
    [...tower.namedWeights().keys()],
    ["offset", "table", "layers.0.weight", "layers.1.weight", "head.scale.weight"],
  );
  assert.is(tower.countParameters(), 15);
  assert.is(tower.trainableVariables().length, 4);
  assert.is(tower.weights.length, 5);
  assert.is(tower.trainableWeights.length, 4);
  assert.is(tower.nonTrainableWeights[0]?.name, "table");
  tower.dispose();
});

test("two towers live in one process, and disposing twice is safe", () => {
  const before = tf.memory().numTensors;
  const first = new Tower();
  const second = new Tower();
  assert.is(first.dispose().numDisposedVariables, 5);
  assert.is(first.dispose().numDisposedVariables, 0);
  second.dispose();
  assert.is(tf.memory().numTensors, before);
});

test("apply of TensorFlow.js layers runs forward", () => {
  const tower = new Tower();
  const result = tf.tidy(() => (tower.apply(tf.ones([1, 3])) as tf.Tensor).dataSync());
  expectClose(result, [8, 8, 8]);
  tower.dispose();
});

test("setTrainable freezes by pattern, never frees a buffer, refuses a pattern without effect", () => {
  const tower = new Tower();
  assert.is(tower.setTrainable(/^layers\./, false), 2);
  assert.is(tower.trainableVariables().length, 2);
  assert.is(tower.setTrainable(/./g, true), 4);
  assert.is(tower.table.trainable, false);
  tower.trainable = false;
  assert.is(tower.trainableVariables().length, 0);
  tower.trainable = true;
  assert.is(tower.trainableVariables().length, 4);
  assert.throws(
    () => tower.setTrainable(/decoder/, false),
    (error: unknown) => error instanceof ConfigError,
  );
  tower.dispose();
});

test("setWeights checks count and shapes, and keeps nothing of the caller's", () => {
  const tower = new Tower();
  assert.throws(
    () => tower.setWeights([]),
    (error: unknown) => error instanceof ShapeError,
  );
  const values = tower.getWeights().map((weight) => tf.fill(weight.shape, 3));
  tower.setWeights(values);
  values.forEach((value) => value.dispose());
  expectClose(tower.head.weight, [3, 3, 3]);
  assert.throws(
    () => tower.setWeights(tower.getWeights().map(() => tf.zeros([2]))),
    /Tower.offset: expected shape \[3\], got \[2\]/,
  );
  tower.dispose();
});

test("a name or a child cannot be used twice", () => {
  class Doubled extends Block {
    constructor(child: Block) {
      super();
      this.addBlock("a", child);
      this.addBlock("b", child);
    }
    override forward(): void {}
  }
  assert.throws(() => new Doubled(new Scale()), /already belongs to a Doubled/);
  class Twice extends Block {
    readonly first = this.addVariable("weight", [1], zeros());
    readonly second = this.addVariable("weight", [1], zeros());
    override forward(): void {}
  }
  assert.throws(
    () => new Twice(),
    (error: unknown) => error instanceof ConfigError,
  );
});

test("an initializer of another size is refused", () => {
  class Wrong extends Block {
    readonly weight = this.addVariable("weight", [2, 2], () => new Float32Array(3));
    override forward(): void {}
  }
  assert.throws(() => new Wrong(), /Wrong.weight: expected 4 initial values for shape \[2, 2\], got 3/);
});

const contract = {
  run: (block: Block & {forward(x: tf.Tensor): tf.Tensor}) => block.forward(tf.ones([2, 3])),
  outputShape: [2, 3],
};

test("checkLayer accepts the tower", () => {
  checkLayer({...contract, build: () => new Tower(), weights: 5, parameters: 15});
});

test("checkLayer finds a child that was never registered", () => {
  class Forgetful extends Block {
    readonly known = this.addBlock("known", new Scale());
    readonly lists = {rows: 1};
    readonly forgotten = [new Scale()];
    override forward(x: tf.Tensor): tf.Tensor {
      return this.forgotten.reduce((value, layer) => layer.forward(value), this.known.forward(x));
    }
  }
  assert.throws(
    () => checkLayer({...contract, build: () => new Forgetful(), weights: 1, parameters: 3}),
    /Forgetful.forgotten\[0\]: expected a Block registered by addBlock/,
  );
});

test("checkLayer finds an unregistered variable, wrong counts and a weight without gradient", () => {
  class Loose extends Block {
    readonly loose = tf.variable(tf.ones([3]));
    override forward(x: tf.Tensor): tf.Tensor {
      return tf.mul(x, this.loose);
    }
  }
  assert.throws(
    () => checkLayer({...contract, build: () => new Loose(), weights: 0, parameters: 0}),
    /Loose.loose: expected a variable registered by addVariable/,
  );
  assert.throws(
    () => checkLayer({...contract, build: () => new Tower(), weights: 4, parameters: 15}),
    /number of weights: expected 4, got 5/,
  );
  class Idle extends Scale {
    readonly idle = this.addVariable("idle", [3], ones());
  }
  assert.throws(
    () => checkLayer({...contract, build: () => new Idle(), weights: 2, parameters: 6}),
    /gradient of idle: expected one that is not zero, got none/,
  );
});

test.run();
