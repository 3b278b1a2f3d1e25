import {createMask} from "@claps/image";
import type {Control} from "../control.js";

/** The second human observer, where a dataset has one: the ceiling that two people set. */
export const secondObserver: Control = {
  id: "second-observer",
  title: "second observer",
  usesTruth: true,
  prepare: () =>
    Promise.resolve(({image, secondObserver}, targets) => {
      const {height, width} = image;
      const empty = createMask({data: new Uint8Array(height * width), height, width});
      return Promise.resolve(new Map(targets.map(({id}) => [id, secondObserver?.get(id) ?? empty])));
    }),
};
