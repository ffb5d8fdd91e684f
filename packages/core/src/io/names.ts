/** @file PyTorch's names of parameters and buffers, from ours. The other way needs nothing: `loadStateDict` takes both. */

/**
 * `layers.0.selfAttn.inProjWeight` is `layers.0.self_attn.in_proj_weight`, `weightIhL0Reverse` is `weight_ih_l0_reverse`: a capital letter
 * behind a small one or a digit becomes an underscore and the small letter.
 */
export const pytorchName = (name: string): string => name.replace(/(?<=[a-z0-9])[A-Z]/g, (c) => `_${c.toLowerCase()}`);
