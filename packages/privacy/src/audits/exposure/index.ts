/** @file Exposure of canaries in a model that was trained on them. */
export { type CanaryExposure, type ExposureOptions, type ExposureReport, exposure, LEAST_CANDIDATES } from "./exposure.ts";
export { type Fit, fitByLikelihood, fitByMoments, fitSkewNormal } from "./fit.ts";
export { cdfAt, logCdf, logDensity, type SkewNormal } from "./skew-normal.ts";
