import {ConfigError, ShapeError} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import {blockWeight} from "./block-weight.js";
import type {Initializer} from "./initializers.js";

type DisposeResult = ReturnType<tfl.layers.Layer["dispose"]>;

/** Options of a weight, for `addVariable`. */
export interface VariableOptions {
  /** Whether training may change it; false makes it a buffer, which stays fixed for ever. Default true. */
  trainable?: boolean;
}

// Variable names must be unique in the process, while the dotted paths of two models are equal.
let blocksMade = 0;

/**
 * Base of every model and layer of the library: a TensorFlow.js layer whose children's weights count.
 *
 * Plain TensorFlow.js layers lose the weights of layers that they own. A Block registers its weights and
 * children by name; the dotted path through the tree (`layers.0.attn.qkv.weight`) is the name of a weight
 * everywhere: in checkpoints, optimizers and messages. Subclasses compute in `forward`.
 *
 * @example
 * ```ts
 * class Scale extends Block {
 *   readonly weight = this.addVariable("weight", [3], ones());
 *   override forward(x: tf.Tensor): tf.Tensor {
 *     return tf.mul(x, this.weight);
 *   }
 * }
 * new Scale().namedWeights().keys(); // weight
 * ```
 */
export abstract class Block extends tfl.layers.Layer {
  /** Name for the TensorFlow.js registry: the name of the class. */
  static get className(): string {
    return this.name;
  }

  readonly #prefix: string;
  readonly #variables = new Map<string, tf.Variable>();
  readonly #children = new Map<string, Block>();
  readonly #buffers = new Set<tf.Variable>();
  #parent: Block | undefined;
  #disposed = false;

  /**
   * @param name - Name as a TensorFlow.js layer; left out means one made from the class.
   */
  constructor(name?: string) {
    super(name === undefined ? {} : {name});
    this.#prefix = `block${blocksMade++}`;
    this.built = true;
  }

  /** The computation of the Block; subclasses say what goes in and what comes out. */
  abstract forward(...inputs: never[]): unknown;

  /**
   * Registers a weight.
   *
   * @param name - Name within this Block, as in the published checkpoint.
   * @param shape - Its shape in our layout.
   * @param initializer - First values.
   * @param options - Whether training may change it.
   * @returns The variable; the Block owns it.
   * @throws ConfigError if the name is taken; ShapeError if the initializer returns another count.
   */
  protected addVariable(
    name: string,
    shape: number[],
    initializer: Initializer,
    options: VariableOptions = {},
  ): tf.Variable {
    this.#claim(name);
    const values = initializer(shape);
    const size = shape.reduce((product, axis) => product * axis, 1);
    if (values.length !== size) {
      throw new ShapeError(
        `${this.getClassName()}.${name}: expected ${size} initial values for shape [${shape.join(", ")}], got ${values.length}.`,
      );
    }
    const trainable = options.trainable ?? true;
    const initial = tf.tensor(values, shape, "float32");
    const variable = tf.variable(initial, trainable, `${this.#prefix}/${name}`);
    initial.dispose();
    this.#variables.set(name, variable);
    if (!trainable) {
      this.#buffers.add(variable);
    }
    return variable;
  }

  /**
   * Frees a weight that is not needed any more; its name may be used again.
   *
   * @param name - Name within this Block.
   * @throws ConfigError if this Block has no such weight.
   */
  protected removeVariable(name: string): void {
    const variable = this.#variables.get(name);
    if (variable === undefined) {
      throw new ConfigError(
        `${this.getClassName()}: expected "${name}" to be a weight of this Block, got none of that name among ${[...this.#variables.keys()].join(", ")}.`,
      );
    }
    this.#variables.delete(name);
    this.#buffers.delete(variable);
    variable.dispose();
  }

  /**
   * Registers a child.
   *
   * @param name - Name within this Block, as in the published checkpoint.
   * @param block - The child; it may have one parent only.
   * @returns The child.
   * @throws ConfigError if the name is taken or the child already has a parent.
   */
  protected addBlock<B extends Block>(name: string, block: B): B {
    this.#claim(name);
    const child: Block = block;
    if (child.#parent !== undefined) {
      throw new ConfigError(
        `${this.getClassName()}.${name}: expected a Block without a parent, got one that already belongs to a ${child.#parent.getClassName()}; its weights would be counted twice.`,
      );
    }
    child.#parent = this;
    this.#children.set(name, block);
    return block;
  }

  /**
   * Registers a list of children under `name.0`, `name.1` and so on.
   *
   * @param name - Common part of the names.
   * @param blocks - The children in order.
   * @returns The same list.
   */
  protected addBlocks<B extends Block>(name: string, blocks: B[]): B[] {
    blocks.forEach((block, index) => this.addBlock(`${name}.${index}`, block));
    return blocks;
  }

  #claim(name: string): void {
    if (name === "" || this.#variables.has(name) || this.#children.has(name)) {
      throw new ConfigError(
        `${this.getClassName()}: expected a new name for a weight or child, got "${name}", which is empty or taken.`,
      );
    }
  }

  /** The registered children by name. */
  childBlocks(): ReadonlyMap<string, Block> {
    return this.#children;
  }

  /** The weights that this Block itself registered, by name, without those of its children. */
  ownVariables(): ReadonlyMap<string, tf.Variable> {
    return this.#variables;
  }

  /** Every weight of the tree by dotted path, parents before children, in the order of registration. */
  namedWeights(): Map<string, tf.Variable> {
    const named = new Map<string, tf.Variable>(this.#variables);
    for (const [childName, child] of this.#children) {
      for (const [path, variable] of child.namedWeights()) {
        named.set(`${childName}.${path}`, variable);
      }
    }
    return named;
  }

  /** The weights that training may change now, in the order of `namedWeights`. */
  trainableVariables(): tf.Variable[] {
    return [...this.namedWeights().values()].filter((variable) => variable.trainable);
  }

  /**
   * Freezes or frees the weights whose dotted path matches; buffers stay fixed.
   *
   * @param pattern - Tested against each dotted path.
   * @param trainable - Whether training may change the weights that match.
   * @returns How many weights matched.
   * @throws ConfigError if none matched: a pattern without effect is a mistake.
   */
  setTrainable(pattern: RegExp, trainable: boolean): number {
    const buffers = this.#allBuffers();
    const named = this.namedWeights();
    let matched = 0;
    for (const [path, variable] of named) {
      if (path.search(pattern) >= 0 && !buffers.has(variable)) {
        variable.trainable = trainable;
        matched++;
      }
    }
    if (matched === 0) {
      throw new ConfigError(
        `setTrainable: expected ${String(pattern)} to match a weight, got no match among ${named.size}; the first are ${[...named.keys()].slice(0, 5).join(", ")}.`,
      );
    }
    return matched;
  }

  #allBuffers(): Set<tf.Variable> {
    const all = new Set(this.#buffers);
    for (const child of this.#children.values()) {
      for (const buffer of child.#allBuffers()) {
        all.add(buffer);
      }
    }
    return all;
  }

  /** How many numbers the weights of the tree hold, buffers included. */
  countParameters(): number {
    return [...this.namedWeights().values()].reduce((sum, variable) => sum + variable.size, 0);
  }

  /**
   * Frees every weight of the tree; safe to call twice.
   *
   * @returns The record that TensorFlow.js layers expects.
   */
  override dispose(): DisposeResult {
    let disposed = 0;
    if (!this.#disposed) {
      this.#disposed = true;
      for (const variable of this.#variables.values()) {
        variable.dispose();
        disposed++;
      }
      for (const child of this.#children.values()) {
        disposed += child.dispose().numDisposedVariables;
      }
    }
    return {refCountAfterDispose: 0, numDisposedVariables: disposed};
  }

  /**
   * Entry point of TensorFlow.js layers: passes the tensors on to `forward`.
   *
   * @param inputs - One tensor, or the list of `forward`'s tensor arguments.
   * @returns What `forward` returns.
   */
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor | tf.Tensor[] {
    const list = Array.isArray(inputs) ? inputs : [inputs];
    return this.forward(...(list as never[])) as tf.Tensor | tf.Tensor[];
  }

  override get trainable(): boolean {
    return this.trainable_;
  }

  override set trainable(trainable: boolean) {
    this.trainable_ = trainable;
    const buffers = this.#allBuffers();
    for (const variable of this.namedWeights().values()) {
      variable.trainable = trainable && !buffers.has(variable);
    }
  }

  override get trainableWeights(): tfl.LayerVariable[] {
    return this.#views((variable) => variable.trainable);
  }

  override set trainableWeights(_weights: tfl.LayerVariable[]) {
    this.#refuseAssignment("trainableWeights");
  }

  override get nonTrainableWeights(): tfl.LayerVariable[] {
    return this.#views((variable) => !variable.trainable);
  }

  override set nonTrainableWeights(_weights: tfl.LayerVariable[]) {
    this.#refuseAssignment("nonTrainableWeights");
  }

  override get weights(): tfl.LayerVariable[] {
    return this.#views(() => true);
  }

  #views(wanted: (variable: tf.Variable) => boolean): tfl.LayerVariable[] {
    return [...this.namedWeights()]
      .filter(([, variable]) => wanted(variable))
      .map(([path, variable]) => blockWeight(path, variable));
  }

  #refuseAssignment(property: string): void {
    throw new ConfigError(
      `${this.getClassName()}.${property}: expected weights to be registered by addVariable, got an assignment.`,
    );
  }

  /** The weights in the order of `namedWeights`; the Block goes on owning them. */
  override getWeights(): tf.Tensor[] {
    return [...this.namedWeights().values()];
  }

  /**
   * Sets every weight, in the order of `namedWeights`.
   *
   * @param values - One tensor per weight; the caller keeps them.
   * @throws ShapeError if the count or a shape differs.
   */
  override setWeights(values: tf.Tensor[]): void {
    const named = [...this.namedWeights()];
    if (values.length !== named.length) {
      throw new ShapeError(
        `${this.getClassName()}.setWeights: expected ${named.length} tensors, got ${values.length}.`,
      );
    }
    named.forEach(([path, variable], index) => {
      const value = values[index] as tf.Tensor;
      if (!tf.util.arraysEqual(value.shape, variable.shape)) {
        throw new ShapeError(
          `${this.getClassName()}.${path}: expected shape [${variable.shape.join(", ")}], got [${value.shape.join(", ")}].`,
        );
      }
      variable.assign(value);
    });
  }

  override countParams(): number {
    return this.countParameters();
  }
}
