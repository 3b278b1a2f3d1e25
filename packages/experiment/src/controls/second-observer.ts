import type {Control} from "../control.js";

/** The second human observer, where a case has one: the ceiling that two people set. */
export const secondObserver: Control = {
  id: "second-observer",
  title: "second observer",
  usesTruth: true,
  prepare: () => Promise.resolve(({secondObserver: masks}) => Promise.resolve(masks ?? new Map())),
};
