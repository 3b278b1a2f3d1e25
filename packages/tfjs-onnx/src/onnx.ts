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

/** Version of the file format. */
export const IR_VERSION = 9;

const CONTRIB_OPSET = 1;
const VARINT = 0;
const FIXED_32 = 5;
const LENGTH_DELIMITED = 2;

/** `AttributeProto.AttributeType` of the ONNX format. */
const ATTRIBUTE_TYPES = {float: 1, int: 2, string: 3, floats: 6, ints: 7} as const;

const textEncoder = new TextEncoder();

/** Bytes of one protocol-buffer message, growing as fields are added. */
class Message {
  #bytes = new Uint8Array(64);
  #length = 0;

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count));
    grown.set(this.bytes);
    this.#bytes = grown;
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
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  text(field: number, text: string): this {
    return this.raw(field, textEncoder.encode(text));
  }

  message(field: number, message: Message): this {
    return this.raw(field, message.bytes);
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

function initializerMessage({value, data}: Initializer): Message {
  const message = new Message();
  for (const dimension of value.shape) message.integer(1, dimension);
  return message.integer(2, ELEMENT_TYPES[value.dtype]).text(8, value.name).raw(9, bytesOf(data));
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
 * The bytes of an ONNX model file (`ModelProto`) holding the graph.
 *
 * Operator set 17; the domain of ONNX Runtime's own operators is declared only when the graph uses it.
 *
 * Source: onnx.proto of the ONNX specification (field numbers).
 */
export function encodeModel(graph: FinishedGraph): Uint8Array {
  const body = new Message();
  for (const node of graph.nodes) body.message(1, nodeMessage(node));
  body.text(2, "tfjs");
  for (const initializer of graph.initializers) body.message(5, initializerMessage(initializer));
  for (const value of graph.inputs) body.message(11, valueMessage(value));
  for (const value of graph.outputs) body.message(12, valueMessage(value));
  const model = new Message().integer(1, IR_VERSION).text(2, "@claps/tfjs-onnx");
  model.message(7, body).message(8, operatorSet("", OPSET));
  if (graph.nodes.some(({domain}) => domain === CONTRIB_DOMAIN)) {
    model.message(8, operatorSet(CONTRIB_DOMAIN, CONTRIB_OPSET));
  }
  return model.bytes;
}
