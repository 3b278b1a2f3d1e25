import {sizeOf, type Initializer, type Value} from "./graph.js";
import type {StoredData} from "./storage.js";
import type {Slot} from "./trace.js";

/** Bytes that a model takes at most; its format ends at 2^31. */
const MOST_BYTES = 1.5 * 2 ** 30;

export type VariableSlot = Slot & {readonly kind: "variable"};

/** What a variable held at a moment: its storage, and how often that had been overwritten. */
interface State {
  readonly data: StoredData;
  readonly writes: number;
}

/**
 * Variables whose values are part of a session's model. ONNX Runtime lays such constants out once for its products,
 * where it lays out inputs again at every run.
 */
export class PackedWeights {
  /** Values of the graph that are constants, not inputs. */
  readonly values: ReadonlySet<Value>;
  readonly #variables: readonly VariableSlot[];
  readonly #dataOf: (slot: VariableSlot) => StoredData;
  #taken: State[] = [];

  /**
   * @param slots - Inputs of the graph; float variables are packed, as far as a model has room.
   * @param dataOf - Finds what a variable holds at the moment.
   */
  constructor(slots: readonly Slot[], dataOf: (slot: VariableSlot) => StoredData) {
    let room = MOST_BYTES;
    this.#variables = slots.filter((slot): slot is VariableSlot => {
      if (slot.kind !== "variable" || slot.value.dtype !== "float32") return false;
      const bytes = 4 * sizeOf(slot.value.shape);
      if (bytes > room) return false;
      room -= bytes;
      return true;
    });
    this.values = new Set(this.#variables.map(({value}) => value));
    this.#dataOf = dataOf;
  }

  #state(slot: VariableSlot): State {
    const data = this.#dataOf(slot);
    return {data, writes: data.writes ?? 0};
  }

  /** The constants with the values of this moment. */
  take(): Initializer[] {
    this.#taken = this.#variables.map((slot) => this.#state(slot));
    return this.#variables.map(({value}, index) => ({
      value,
      data: this.#taken[index]?.data.numbers as Float32Array<ArrayBuffer>,
    }));
  }

  /** Whether a variable has changed since its value was taken. */
  changed(): boolean {
    return this.#variables.some((slot, index) => {
      const {data, writes} = this.#state(slot);
      const taken = this.#taken[index];
      return taken?.data !== data || taken.writes !== writes;
    });
  }
}
