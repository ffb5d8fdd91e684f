/** @file Exports of the module replicated3: the protocol's own kernels, and the ring kernels it uses. */
export {
  add64, addColumn64, addRow64, addScalar64, mul64, mulAdd64, mulColumn64, mulRow64, mulScalar64, neg64, sub64, subColumn64, subRow64,
} from "../../../../../kernels/as/ring/elementwise.gen";
export { convForward64, convInputGradient64, convWeightGradient64 } from "../../../../../kernels/as/ring/convolution";
export { stridedCopy, sum64 } from "../../../../../kernels/as/ring/movement";
export { gemm64, gemm64WorkspaceBytes } from "../../../../../kernels/as/ring/strassen64";
export { keystream, setup } from "./common";
export { injectCombine, injectDeal, injectFinish, integerCombine, integerDeal } from "./inject";
export { andShare, signDeal, signLevel, signSelect, takePlane, xorBytes } from "./sign";
export { mulTerms, truncateCombine, truncateDeal, truncateFinish, zeroShare } from "./truncate";
export { truncateWideCombine, truncateWideDeal, truncateWideFinish } from "./wide";
