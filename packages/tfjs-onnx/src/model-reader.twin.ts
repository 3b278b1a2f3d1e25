/** What a test wants to know of a model file. */
export interface ReadModel {
  readonly producer: string;
  readonly graphName: string;
  readonly opsets: Readonly<Record<string, number>>;
  readonly nodes: readonly {readonly op: string; readonly domain: string}[];
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly initializers: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    /** Place of the numbers in another file, if they are not in this one. */
    readonly external?: Readonly<Record<string, string>>;
  }[];
}

type Fields = Map<number, (number | Uint8Array)[]>;

/** The fields of a protocol-buffer message by number; integers up to 2^53. */
function fieldsOf(bytes: Uint8Array): Fields {
  const fields: Fields = new Map();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++] as number;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const [field, type] = [Math.floor(tag / 8), tag % 8];
    let value: number | Uint8Array;
    if (type === 0) value = varint();
    else {
      const length = type === 2 ? varint() : type === 5 ? 4 : 8;
      value = bytes.subarray(at, (at += length));
    }
    fields.set(field, [...(fields.get(field) ?? []), value]);
  }
  return fields;
}

function messages(fields: Fields, field: number): Fields[] {
  return (fields.get(field) ?? []).map((bytes) => fieldsOf(bytes as Uint8Array));
}

function text(fields: Fields, field: number): string {
  return new TextDecoder().decode((fields.get(field)?.[0] ?? new Uint8Array()) as Uint8Array);
}

/** Reads a model file (`ModelProto`) without the code that wrote it. */
export function readModel(bytes: Uint8Array): ReadModel {
  const model = fieldsOf(bytes);
  const [graph] = messages(model, 7) as [Fields];
  return {
    producer: text(model, 2),
    graphName: text(graph, 2),
    opsets: Object.fromEntries(messages(model, 8).map((set) => [text(set, 1), set.get(2)?.[0] as number])),
    nodes: messages(graph, 1).map((node) => ({op: text(node, 4), domain: text(node, 7)})),
    inputs: messages(graph, 11).map((value) => text(value, 1)),
    outputs: messages(graph, 12).map((value) => text(value, 1)),
    initializers: messages(graph, 5).map((tensor) => {
      const entries = messages(tensor, 13).map((entry) => [text(entry, 1), text(entry, 2)] as const);
      return {
        name: text(tensor, 8),
        shape: (tensor.get(1) ?? []) as number[],
        ...(tensor.get(14)?.[0] === 1 ? {external: Object.fromEntries(entries)} : {}),
      };
    }),
  };
}
