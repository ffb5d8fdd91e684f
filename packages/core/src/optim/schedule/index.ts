/** @file Learning rate schedules, PyTorch's `torch.optim.lr_scheduler`. */
import { chained, sequential } from "./compose.ts";
import { cosineAnnealing, cosineAnnealingWarmRestarts } from "./cosine.ts";
import { cyclicLR, oneCycle } from "./cycle.ts";
import {
  constantLR,
  exponentialLR,
  lambdaLR,
  linearLR,
  multiplicativeLR,
  multiStepLR,
  polynomialLR,
  stepLR,
  warmup,
} from "./decay.ts";
import { reduceLROnPlateau } from "./plateau.ts";

/** All schedules by name. */
export const lrScheduler: {
  readonly chained: typeof chained;
  readonly constantLR: typeof constantLR;
  readonly cosineAnnealing: typeof cosineAnnealing;
  readonly cosineAnnealingWarmRestarts: typeof cosineAnnealingWarmRestarts;
  readonly cyclicLR: typeof cyclicLR;
  readonly exponentialLR: typeof exponentialLR;
  readonly lambdaLR: typeof lambdaLR;
  readonly linearLR: typeof linearLR;
  readonly multiplicativeLR: typeof multiplicativeLR;
  readonly multiStepLR: typeof multiStepLR;
  readonly oneCycle: typeof oneCycle;
  readonly polynomialLR: typeof polynomialLR;
  readonly reduceLROnPlateau: typeof reduceLROnPlateau;
  readonly sequential: typeof sequential;
  readonly stepLR: typeof stepLR;
  readonly warmup: typeof warmup;
} = {
  chained,
  constantLR,
  cosineAnnealing,
  cosineAnnealingWarmRestarts,
  cyclicLR,
  exponentialLR,
  lambdaLR,
  linearLR,
  multiplicativeLR,
  multiStepLR,
  oneCycle,
  polynomialLR,
  reduceLROnPlateau,
  sequential,
  stepLR,
  warmup,
};
