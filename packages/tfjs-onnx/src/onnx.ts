import {
  bytesOf,
  CONTRIB_DOMAIN,
  ELEMENT_TYPES,
  type Attributes,
  type GraphNode,
  type Initializer,
  type Value,
} from "./graph.js";
import type {FinishedGraph} from "./simplify.js";

/** Operator set of the standard operators that the lowerings are written for. */
export const OPSET = 17;

/** Version of the file format: the one that was published together with the operator set. */
export const IR_VERSION = 8;

/** Program that made the model, as its file says. */
const PRODUCER = "claps";

const CONTRIB_OPSET = 1;
const VARINT = 0;
const FIXED_32 = 5;
const LENGTH_DELIMITED = 2;

/** `AttributeProto.AttributeType` of the ONNX format. */
const ATTRIBUTE_TYPES = {float: 1, int: 2, string: 3, floats: 6, ints: 7} as const;

/** `TensorProto.DataLocation` of the ONNX format: the numbers are in another file. */
const EXTERNAL = 1;

const textEncoder = new TextEncoder();

/** Where in another file the numbers of a constant are. */
export interface ExternalLocation {
  /** Name of the file, in the folder of the model. */
  readonly file: string;
  readonly offset: number;
}

/** What a model file says beside the graph. */
export interface ModelOptions {
  /** Name of the graph; default `tfjs`. */
  readonly name?: string;
  /** Constants whose numbers are not stored in the model itself. */
  readonly external?: ReadonlyMap<Initializer, ExternalLocation>;
}

/** Arrays of at least this many bytes stay where they are instead of being copied into the message. */
const LEAST_REFERENCED = 64 * 1024;

/** One protocol-buffer message: bytes that grow as fields are added, between large arrays that are only referred to. */
class Message {
  readonly #pieces: Uint8Array[] = [];
  #piecesLength = 0;
  #bytes = new Uint8Array(64);
  #length = 0;

  get length(): number {
    return this.#piecesLength + this.#length;
  }

  get pieces(): readonly Uint8Array[] {
    return this.#length === 0 ? this.#pieces : [...this.#pieces, this.#bytes.subarray(0, this.#length)];
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }

  #append(bytes: Uint8Array): void {
    if (bytes.length < LEAST_REFERENCED) {
      this.#reserve(bytes.length);
      this.#bytes.set(bytes, this.#length);
      this.#length += bytes.length;
      return;
    }
    if (this.#length > 0) this.#pieces.push(this.#bytes.subarray(0, this.#length));
    this.#pieces.push(bytes);
    this.#piecesLength += this.#length + bytes.length;
    this.#bytes = new Uint8Array(64);
    this.#length = 0;
  }

  #varint(value: number): void {
    this.#reserve(10);
    if (value < 0) {
      let rest = BigInt.asUintN(64, BigInt(value));
      for (; rest > 127n; rest >>= 7n) this.#bytes[this.#length++] = Number(rest & 127n) | 128;
      this.#bytes[this.#length++] = Number(rest);
      return;
    }
    let rest = value;
    for (; rest > 127; rest = Math.floor(rest / 128)) this.#bytes[this.#length++] = (rest % 128) | 128;
    this.#bytes[this.#length++] = rest;
  }

  #tag(field: number, wireType: number): void {
    this.#varint(field * 8 + wireType);
  }

  integer(field: number, value: number): this {
    this.#tag(field, VARINT);
    this.#varint(value);
    return this;
  }

  float(field: number, value: number): this {
    this.#tag(field, FIXED_32);
    this.#reserve(4);
    new DataView(this.#bytes.buffer).setFloat32(this.#length, value, true);
    this.#length += 4;
    return this;
  }

  raw(field: number, bytes: Uint8Array): this {
    this.#tag(field, LENGTH_DELIMITED);
    this.#varint(bytes.length);
    this.#append(bytes);
    return this;
  }

  text(field: number, text: string): this {
    return this.raw(field, textEncoder.encode(text));
  }

  message(field: number, message: Message): this {
    this.#tag(field, LENGTH_DELIMITED);
    this.#varint(message.length);
    for (const piece of message.pieces) this.#append(piece);
    return this;
  }
}

function attributeMessage(name: string, attribute: Attributes[string]): Message {
  const message = new Message().text(1, name);
  if (typeof attribute === "number") {
    return message.integer(3, attribute).integer(20, ATTRIBUTE_TYPES.int);
  }
  if (typeof attribute === "string") {
    return message.text(4, attribute).integer(20, ATTRIBUTE_TYPES.string);
  }
  if ("float" in attribute) {
    return message.float(2, attribute.float).integer(20, ATTRIBUTE_TYPES.float);
  }
  if ("floats" in attribute) {
    for (const value of attribute.floats) message.float(7, value);
    return message.integer(20, ATTRIBUTE_TYPES.floats);
  }
  for (const value of attribute) message.integer(8, value);
  return message.integer(20, ATTRIBUTE_TYPES.ints);
}

function nodeMessage(node: GraphNode): Message {
  const message = new Message();
  for (const input of node.inputs) message.text(1, input?.name ?? "");
  for (const output of node.outputs) message.text(2, output.name);
  message.text(4, node.op);
  for (const [name, attribute] of Object.entries(node.attributes)) {
    message.message(5, attributeMessage(name, attribute));
  }
  if (node.domain) message.text(7, node.domain);
  return message;
}

function entryMessage(key: string, value: string): Message {
  return new Message().text(1, key).text(2, value);
}

function initializerMessage({value, data}: Initializer, external: ExternalLocation | undefined): Message {
  const message = new Message();
  for (const dimension of value.shape) message.integer(1, dimension);
  message.integer(2, ELEMENT_TYPES[value.dtype]).text(8, value.name);
  if (!external) return message.raw(9, bytesOf(data));
  return message
    .message(13, entryMessage("location", external.file))
    .message(13, entryMessage("offset", String(external.offset)))
    .message(13, entryMessage("length", String(data.byteLength)))
    .integer(14, EXTERNAL);
}

function valueMessage({name, shape, dtype}: Value): Message {
  const shapeMessage = new Message();
  for (const dimension of shape) shapeMessage.message(1, new Message().integer(1, dimension));
  const tensorType = new Message().integer(1, ELEMENT_TYPES[dtype]).message(2, shapeMessage);
  return new Message().text(1, name).message(2, new Message().message(1, tensorType));
}

function operatorSet(domain: string, version: number): Message {
  return new Message().text(1, domain).integer(2, version);
}

/**
 * The bytes of an ONNX model file (`ModelProto`) in pieces, large constants by reference.
 *
 * Operator set 17; the domain of ONNX Runtime's own operators is declared only when the graph uses it.
 *
 * @param graph - The graph.
 * @param options - Its name, and constants whose numbers are in another file.
 * Source: onnx.proto of the ONNX specification (field numbers).
 */
export function encodeModelPieces(
  graph: FinishedGraph,
  {name = "tfjs", external}: ModelOptions = {},
): readonly Uint8Array[] {
  const body = new Message();
  for (const node of graph.nodes) body.message(1, nodeMessage(node));
  body.text(2, name);
  for (const initializer of graph.initializers) {
    body.message(5, initializerMessage(initializer, external?.get(initializer)));
  }
  for (const value of graph.inputs) body.message(11, valueMessage(value));
  for (const value of graph.outputs) body.message(12, valueMessage(value));
  const model = new Message().integer(1, IR_VERSION).text(2, PRODUCER);
  model.message(7, body).message(8, operatorSet("", OPSET));
  if (graph.nodes.some(({domain}) => domain === CONTRIB_DOMAIN)) {
    model.message(8, operatorSet(CONTRIB_DOMAIN, CONTRIB_OPSET));
  }
  return model.pieces;
}

/** The bytes of an ONNX model file (`ModelProto`) holding the graph, constants included. */
export function encodeModel(graph: FinishedGraph): Uint8Array {
  const pieces = encodeModelPieces(graph);
  if (pieces.length === 1) return pieces[0] as Uint8Array;
  const bytes = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let offset = 0;
  for (const piece of pieces) {
    bytes.set(piece, offset);
    offset += piece.length;
  }
  return bytes;
}
