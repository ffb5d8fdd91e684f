/** @file Gradient inversion: what one update gives away of the example that it was made from. */
export { classOfGradient, invertLinear } from "./analytic.ts";
export { type Defence, defended } from "./defence.ts";
export { type Inversion, type InversionOptions, invertGradient } from "./optimise.ts";
export { blankPsnr, type PictureSize, psnr, ssim } from "./quality.ts";
