/** @file One entry for every optimizer of optim, with a learning rate of 0.01. */
import type { Module } from "@tacit/core/nn";
import * as optim from "@tacit/core/optim";

const lr = 0.01;

export const OPTIMIZERS: Readonly<Record<string, (m: Module) => optim.Optimizer>> = {
  sgd: (m) => optim.sgd(m, { lr }),
  "sgd, momentum": (m) => optim.sgd(m, { lr, momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
  "sgd, clipNorm": (m) => optim.sgd(m, { lr, clipNorm: 0.5 }),
  adam: (m) => optim.adam(m, { lr }),
  "adam, amsgrad": (m) => optim.adam(m, { lr, amsgrad: true }),
  adamw: (m) => optim.adamw(m, { lr }),
  nadam: (m) => optim.nadam(m, { lr }),
  radam: (m) => optim.radam(m, { lr }),
  adamax: (m) => optim.adamax(m, { lr }),
  adagrad: (m) => optim.adagrad(m, { lr }),
  adadelta: (m) => optim.adadelta(m, { lr }),
  rmsprop: (m) => optim.rmsprop(m, { lr }),
  rprop: (m) => optim.rprop(m, { lr }),
  asgd: (m) => optim.asgd(m, { lr }),
  lion: (m) => optim.lion(m, { lr }),
};
