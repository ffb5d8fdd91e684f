/** @file torch.nn: layers, losses, functional, init, utils, and the methods of Module. */
import { absent, beyond, type Family, rows } from "./family.ts";

const THREE = "3d: not yet; images and signals only.";

export const LAYERS: Family = {
  title: "nn: layers",
  intro:
    'Lower-case factories make callable modules, `nn.linear(784, 10)`; the classes are there to extend and to ask `instanceof`. Sizes first, options last: `nn.conv2d(1, 8, 3, { padding: 1, paddingMode: "reflect" })`. All take `{ device, dtype, random }` where they have weights. Shapes, defaults and initial distributions are PyTorch\'s, and so are the names in `stateDict()` up to case and underscores, so that its safetensors load.',
  room: "nn",
  from: [["torch.nn", /^(?!.*Loss(2d)?$)/]],
  rows: rows(`
    AdaptiveAvgPool1d
    AdaptiveAvgPool2d | \`null\` keeps a size
    AdaptiveMaxPool1d | no indices
    AdaptiveMaxPool2d | no indices
    AlphaDropout
    AvgPool1d
    AvgPool2d | no \`divisor_override\`
    BatchNorm1d
    BatchNorm2d
    CELU
    ConstantPad1d
    ConstantPad2d
    Conv1d
    Conv2d
    ConvTranspose1d
    ConvTranspose2d
    CosineSimilarity = nn.functional.cosineSimilarity | a function
    Dropout | no \`inplace\`
    Dropout1d
    Dropout2d
    ELU
    Embedding | indices i32, i64 or u8; no \`max_norm\`, \`sparse\`; \`nn.Embedding.fromPretrained\`
    EmbeddingBag | offsets are a list of numbers
    FeatureAlphaDropout
    Flatten
    GELU
    GLU
    GRU
    GRUCell
    GroupNorm
    Hardshrink
    Hardsigmoid
    Hardswish
    Hardtanh
    Identity
    InstanceNorm1d
    InstanceNorm2d
    LSTM | \`projSize\` runs step by step
    LSTMCell
    LayerNorm
    LeakyReLU
    Linear
    LocalResponseNorm
    LogSigmoid
    LogSoftmax | \`dim\` is -1 unless said
    MaxPool1d | no \`dilation\`, no indices
    MaxPool2d | no \`dilation\`, no indices
    Mish
    Module | write \`forward\`; parameters, buffers and layers are properties
    ModuleDict
    ModuleList
    MultiheadAttention | \`attn(q, k, v, { attnMask, keyPaddingMask, isCausal })\`
    PReLU
    PairwiseDistance = nn.functional.pairwiseDistance | a function
    Parameter
    ParameterList
    PixelShuffle
    PixelUnshuffle
    RNN
    RNNCell
    RReLU
    ReLU
    ReLU6
    ReflectionPad1d
    ReflectionPad2d
    ReplicationPad1d
    ReplicationPad2d
    SELU
    Sequential | layers of one tensor to one tensor
    SiLU
    Sigmoid
    Softmax | \`dim\` is -1 unless said
    Softmax2d
    Softmin | \`dim\` is -1 unless said
    Softplus
    Softshrink
    Softsign
    Tanh
    Tanhshrink
    Threshold
    Transformer
    TransformerDecoder
    TransformerDecoderLayer
    TransformerEncoder | \`nn.transformerEncoder(layer, 6)\` copies the layer's values, as PyTorch does
    TransformerEncoderLayer
    Unflatten
    Unfold = Tensor.im2col
    Upsample | an options object: \`nn.upsample({ scaleFactor: 2 })\`; nearest, linear, bilinear
    UpsamplingBilinear2d = nn.upsample | \`{ mode: "bilinear", alignCorners: true }\`
    UpsamplingNearest2d = nn.upsample
    ZeroPad2d
    RMSNorm | of later versions of PyTorch
    CircularPad1d | of later versions of PyTorch
    CircularPad2d | of later versions of PyTorch
    Buffer | of later versions of PyTorch; \`buffer.update(next)\` is lazy
  `),
  beyond: beyond(`
    nn.buffer, nn.parameter | make a Buffer, a Parameter
    nn.Pad, nn.Activation | the classes behind padding layers and activations
    nn.rotary, nn.alibiBias, nn.alibiSlopes, nn.sinusoidalEncoding, nn.SinusoidalEncoding, nn.sinusoidalTable, nn.learnedEncoding, nn.LearnedEncoding | positions for attention
    nn.causalMask | \`Transformer.generate_square_subsequent_mask\`; \`isCausal: true\` costs half
    nn.capsules, nn.Capsules, nn.primaryCapsules, nn.PrimaryCapsules | capsules with dynamic routing
    nn.nac, nn.NAC, nn.nalu, nn.NALU | neural arithmetic
    nn.accuracy, nn.confusionMatrix | of a classifier over a dataset
    nn.summary, nn.summaryRows | layers, output shapes, parameters, multiplications
    nn.manualSeed, nn.defaultRandomState, nn.loadDefaultRandomState | the generator of initial weights and dropout
    nn.onWarning | where warnings of classic mistakes go
    nn.functional, nn.init, nn.utils | the rooms below
  `),
  absent: absent(`
    AdaptiveAvgPool3d AdaptiveMaxPool3d AvgPool3d BatchNorm3d ConstantPad3d Conv3d ConvTranspose3d Dropout3d FractionalMaxPool3d InstanceNorm3d MaxPool3d MaxUnpool3d ReflectionPad3d ReplicationPad3d: ${THREE}
    LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d LazyConv1d LazyConv2d LazyConv3d LazyConvTranspose1d LazyConvTranspose2d LazyConvTranspose3d LazyInstanceNorm1d LazyInstanceNorm2d LazyInstanceNorm3d LazyLinear UninitializedBuffer UninitializedParameter: sizes are said when a layer is made; \`nn.summary\` shows those that flow.
    MaxUnpool1d MaxUnpool2d: pooling gives no indices.
    DataParallel SyncBatchNorm: one device; the cpu device has threads.
    Container CrossMapLRN2d RNNBase RNNCellBase: no public names of PyTorch.
  `),
};

export const LOSSES: Family = {
  title: "nn: losses",
  intro:
    "Functions, `nn.crossEntropy(logits, labels, { labelSmoothing: 0.1 })`; as a module `nn.criterion(nn.crossEntropy, { … })`. Shapes must be equal: a loss does not broadcast. No `size_average`, `reduce`.",
  room: "nn",
  from: [["torch.nn", /Loss(2d)?$/]],
  rows: rows(`
    BCELoss = nn.binaryCrossEntropy
    BCEWithLogitsLoss = nn.bceWithLogits
    CTCLoss | lengths are lists of numbers; the gradient is that of the value
    CosineEmbeddingLoss
    CrossEntropyLoss = nn.crossEntropy | \`ignoreIndex\` only if said (PyTorch: -100 always); labels i32, i64 or u8
    GaussianNLLLoss
    HingeEmbeddingLoss
    HuberLoss
    KLDivLoss = nn.klDiv | \`reduction: "batchMean"\`
    L1Loss
    MSELoss
    MarginRankingLoss
    MultiLabelMarginLoss
    MultiLabelSoftMarginLoss
    MultiMarginLoss
    NLLLoss | \`ignoreIndex\` only if said
    NLLLoss2d = nn.nllLoss
    PoissonNLLLoss
    SmoothL1Loss
    SoftMarginLoss
    TripletMarginLoss
    TripletMarginWithDistanceLoss | \`distance\`, not \`distance_function\`
  `),
  beyond: beyond(`
    nn.criterion, nn.Criterion | a loss with its options as a module
    nn.capsuleMarginLoss | of capsule networks
  `),
  absent: absent("AdaptiveLogSoftmaxWithLoss: which rows go to which cluster depends on values; use nn.crossEntropy."),
};

export const FUNCTIONAL: Family = {
  title: "nn.functional",
  intro:
    "Layers with weights as arguments. What draws random numbers is a layer, `nn.dropout(p)`: its generator is part of a checkpoint.",
  room: "nn.functional",
  from: [["torch.nn.functional"]],
  rows: rows(`
    adaptive_avg_pool1d
    adaptive_avg_pool2d
    adaptive_max_pool1d
    adaptive_max_pool2d
    avg_pool1d
    avg_pool2d
    binary_cross_entropy
    binary_cross_entropy_with_logits = nn.functional.binaryCrossEntropyWithLogits, nn.functional.bceWithLogits
    celu
    conv1d
    conv2d
    conv_transpose1d
    conv_transpose2d
    cosine_embedding_loss
    cosine_similarity
    cross_entropy
    ctc_loss
    elu
    embedding | \`(indices, weight)\`
    gaussian_nll_loss
    gelu
    glu
    hardshrink
    hardsigmoid
    hardswish
    hardtanh
    hinge_embedding_loss
    huber_loss
    interpolate | nearest, linear, bilinear
    kl_div
    l1_loss
    layer_norm
    leaky_relu
    linear
    log_softmax
    logsigmoid
    margin_ranking_loss
    max_pool1d
    max_pool2d
    mish
    mse_loss
    multi_margin_loss
    multilabel_margin_loss
    multilabel_soft_margin_loss
    nll_loss
    normalize
    one_hot | f32, not i64; the number of classes must be said
    pad
    pairwise_distance
    pixel_shuffle
    pixel_unshuffle
    poisson_nll_loss
    prelu
    relu
    relu6
    scaled_dot_product_attention | of later versions of PyTorch
    selu
    sigmoid
    silu
    smooth_l1_loss
    soft_margin_loss
    softmax
    softmin
    softplus
    softshrink
    softsign
    tanh
    tanhshrink
    threshold
    triplet_margin_loss
    triplet_margin_with_distance_loss
    unfold = Tensor.im2col
    upsample = nn.functional.interpolate
    upsample_bilinear = nn.functional.interpolate | \`alignCorners: true\`
    upsample_nearest = nn.functional.interpolate
  `),
  beyond: beyond(`
    nn.functional.softmax2d, nn.functional.unflatten | as the layers
    nn.functional.squash | of capsule networks
    nn.scaledDotProductAttention | also stands in \`nn\`
  `),
  absent: absent(`
    adaptive_avg_pool3d adaptive_max_pool3d avg_pool3d conv3d conv_transpose3d dropout3d fractional_max_pool3d fractional_max_pool3d_with_indices max_pool3d max_pool3d_with_indices max_unpool3d adaptive_max_pool3d_with_indices: ${THREE}
    adaptive_max_pool1d_with_indices adaptive_max_pool2d_with_indices max_pool1d_with_indices max_pool2d_with_indices fractional_max_pool2d_with_indices max_unpool1d max_unpool2d: pooling gives no indices.
    alpha_dropout dropout dropout1d dropout2d feature_alpha_dropout rrelu: layers, \`nn.dropout(p)\` and so on.
    batch_norm instance_norm group_norm local_response_norm embedding_bag multi_head_attention_forward: layers only.
    assert_int_or_pair boolean_dispatch native_channel_shuffle conv_tbc: no public names of PyTorch, or legacy.
  `),
};

export const INIT: Family = {
  title: "nn.init",
  intro: "They set a parameter's values at once and return it; `{ random }` last, else the generator of `nn`.",
  room: "nn.init",
  from: [["torch.nn.init"]],
  rows: rows(`
    calculate_gain | takes PyTorch's names as well as ours
    constant_
    dirac_
    eye_
    kaiming_normal_
    kaiming_uniform_ | \`{ a, mode: "fanIn", nonlinearity }\`
    normal_
    ones_
    orthogonal_
    sparse_
    trunc_normal_
    uniform_
    xavier_normal_
    xavier_uniform_
    zeros_
  `),
  beyond: beyond("nn.init.gain, nn.init.fanInOut | the numbers behind them"),
};

export const UTILS: Family = {
  title: "nn.utils",
  room: "nn.utils",
  from: [["torch.nn.utils"]],
  rows: rows(`
    clip_grad_norm_ = optim.clipGradNorm_ | or \`opt.step(loss, { clipNorm: 1 })\`
    clip_grad_value_ = optim.clipGradValue_ | or \`opt.step(loss, { clipValue: 1 })\`
    parameters_to_vector
    remove_spectral_norm = nn.utils.spectralNorm | the handle that it returns: \`handle.remove()\`
    remove_weight_norm = nn.utils.weightNorm | the handle that it returns: \`handle.remove()\`
    rnn.PackedSequence = nn.PackedSequence
    rnn.pack_padded_sequence = nn.packPaddedSequence | lengths are a list of numbers
    rnn.pack_sequence = nn.packSequence
    rnn.pad_packed_sequence = nn.padPackedSequence
    rnn.pad_sequence = nn.padSequence
    spectral_norm
    vector_to_parameters
    weight_norm
  `),
  absent: absent(`
    clip_grad_norm: deprecated in PyTorch itself.
    convert_conv2d_weight_memory_format skip_init: there are no memory formats and no memory left unset.
  `),
};

export const MODULE: Family = {
  title: "nn.Module: methods",
  room: "nn.Module",
  from: [["torch.nn.Module"]],
  rows: rows(`
    apply | children first
    buffers
    children
    eval
    extra_repr
    forward = nn.Module | yours to write; \`model(x)\` calls it
    get_buffer
    get_parameter
    get_submodule
    load_state_dict | PyTorch's names fit too; \`{ strict: false }\` lets names be missing
    modules
    named_buffers
    named_children
    named_modules
    named_parameters
    parameters
    register_forward_hook
    register_forward_pre_hook
    register_full_backward_hook
    requires_grad_
    state_dict | a Map
    to | \`await model.to(device)\`
    train
    zero_grad
  `),
  beyond: beyond("nn.Module.toString | the tree of layers; consoles and notebooks print it"),
  absent: absent(`
    add_module register_buffer register_module register_parameter: set a property.
    cpu cuda ipu xpu share_memory to_empty: \`await model.to(device)\`.
    bfloat16 double float half type: give \`dtype\` ("f32", "f64") when a layer is made.
    get_extra_state set_extra_state register_load_state_dict_post_hook: state is tensors and names.
    register_backward_hook: deprecated in PyTorch itself.
  `),
};
