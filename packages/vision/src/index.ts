/** @file @tacit/vision: PNG pictures, folders of classes, transforms. */
export { type FitOptions, fitGray } from "./fit.ts";
export { type ImageFolder, type ImageFolderOptions, imageFolder } from "./folder.ts";
export { decodePng, decodePngRgb, type GrayImage, type PngLimits } from "./png.ts";
export * as transforms from "./transforms.ts";
