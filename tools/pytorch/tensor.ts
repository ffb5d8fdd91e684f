/** @file Methods of torch.Tensor and the functions of the same names. */
import { absent, beyond, type Family, rows } from "./family.ts";

export const TENSOR: Family = {
  title: "Tensor: methods and functions",
  intro:
    "`torch.f(x, …)` is `x.f(…)`; functions that exist by themselves as well stand behind the method. Reductions take `(dim, { keepdim })`.",
  room: "Tensor",
  from: [["torch.Tensor"]],
  rows: rows(`
    T
    abs
    absolute = Tensor.abs
    acos
    acosh
    add | no \`alpha\`: \`x.add(y.mul(alpha))\`
    addcdiv
    addcmul
    addmm | \`x.addmm(a, b, { beta, alpha })\`
    all | also over several dimensions
    allclose | \`await\` it
    amax
    amin
    aminmax
    any | also over several dimensions
    arccos = Tensor.acos
    arccosh = Tensor.acosh
    arcsin = Tensor.asin
    arcsinh = Tensor.asinh
    arctan = Tensor.atan
    arctan2 = Tensor.atan2
    arctanh = Tensor.atanh
    argmax | i32
    argmin | i32
    argsort | i32; always stable
    asin
    asinh
    atan
    atan2
    atanh
    backward | lazy; \`backward(gradient, { createGraph })\`; the graph may be used again without \`retain_graph\`
    baddbmm
    bernoulli = bernoulli | \`bernoulli(probs, random)\`
    bitwise_and
    bitwise_left_shift
    bitwise_not
    bitwise_or
    bitwise_right_shift
    bitwise_xor
    bmm
    bool
    broadcast_to
    byte | u8
    ceil
    chunk
    clamp
    clamp_max
    clamp_min
    clip = Tensor.clamp
    clone
    contiguous = Tensor.clone | not needed: there are no strides
    copy_ | keeps \`requiresGrad\`; the shapes and dtypes must be equal
    cos
    cosh
    count_nonzero | i32
    cross | \`dim\` is -1 unless said, as in \`torch.linalg.cross\`
    cumprod | takes log2(n) passes
    cumsum
    data = Tensor.detach | \`await x.data()\` is another thing: it reads the values as a typed array
    deg2rad
    detach
    device | where the value is; a secret stays there
    diag
    diag_embed | of the last dimension
    diagonal
    diff
    digamma | for arguments above 0
    dim = Tensor.ndim | a property
    dist
    div | no \`rounding_mode\`: \`floorDivide\`, or \`div(y).trunc()\`
    divide = Tensor.div
    dot
    double
    dtype | "f32", "f64", "i32", "i64", "u8", "u32", "u64", "bool"
    eq
    equal | \`await\` it
    erf
    erfc
    erfinv
    exp
    exp2
    expand
    expand_as
    expm1
    fix = Tensor.trunc
    flatten
    flip
    fliplr
    flipud
    float
    floor
    floor_divide
    fmax
    fmin
    fmod
    frac
    gather | the index has the rank of x, and its size in the other dimensions
    ge
    ger = Tensor.outer
    grad | lazy, \`null\` before \`backward()\`; \`opt.step(loss)\` does not touch it
    greater = Tensor.gt
    greater_equal = Tensor.ge
    gt
    hardshrink = nn.functional.hardshrink
    hypot
    index_add | no \`alpha\`
    index_copy
    index_fill
    index_put | \`x.indexPut([…], values)\`, a copy: PyTorch's \`x[…] = values\`
    index_select
    inner = Tensor.matmul | \`x.matmul(y.mT)\` for matrices
    int | i32
    is_floating_point | a property
    isclose
    isfinite
    isinf
    isnan
    isneginf
    isposinf
    item | \`await x.item()\`
    kron
    kthvalue | places are i32
    le
    lerp
    less = Tensor.lt
    less_equal = Tensor.le
    lgamma | for arguments above 0; NaN below
    log
    log10
    log1p
    log2
    log_softmax
    logaddexp
    logcumsumexp | takes log2(n) passes
    logical_and
    logical_not
    logical_or
    logical_xor
    logit
    logsumexp
    long | i64; indices need i32 only
    lt
    mT
    masked_fill
    masked_select = Tensor.maskedSelect | refused (SHAPE_DATA_DEPENDENT): multiply by the mask, or \`where\`
    matmul
    max | \`max(dim)\` gives \`{ values, indices }\`, indices i32
    maximum | ties share the gradient in halves
    mean | floats only
    median | \`median(dim)\` gives \`{ values, indices }\`
    min | as \`max\`
    minimum
    mm
    moveaxis = Tensor.movedim
    movedim
    msort = Tensor.sort | \`x.sort(0).values\`
    mul
    multinomial = multinomial | \`multinomial(weights, count, random, { replacement })\`; i32
    multiply = Tensor.mul
    mv
    nan_to_num
    nanmean
    nansum
    narrow
    narrow_copy = Tensor.narrow
    ndim
    ndimension = Tensor.ndim
    ne
    neg
    negative = Tensor.neg
    nelement = Tensor.numel
    new_full = fullLike
    new_ones = ones | \`ones(shape, { dtype: x.dtype })\`
    new_tensor = tensor
    new_zeros = zeros | \`zeros(shape, { dtype: x.dtype })\`
    nonzero | refused (SHAPE_DATA_DEPENDENT)
    norm | vectors: any p, \`"fro"\`; no matrix norms
    not_equal = Tensor.ne
    numel | a property
    numpy = Tensor.data | \`await x.data()\`: a typed array, row-major
    outer
    permute
    polygamma | \`x.polygamma(n)\`, n to 10, arguments above 0
    pow | integers to a negative power give 0, but for bases 1 and -1; to the literal -1 f32 (PyTorch refuses)
    prelu = nn.functional.prelu
    prod | second derivatives at zeros leave out the cross terms
    quantile | \`quantile(q, dim, { interpolation })\`, q a number or a list
    rad2deg
    ravel
    reciprocal
    register_hook | part of the Program: what it returns must not depend on values read
    relu
    remainder
    repeat
    repeat_interleave | counts are numbers, not a tensor
    requires_grad
    requires_grad_
    reshape
    reshape_as
    retain_grad
    roll
    rot90
    round | halves to even; no \`decimals\`
    rsqrt
    scatter | \`src\` a tensor or a number; of several for one place the last counts
    scatter_add
    select
    select_scatter = Tensor.indexPut
    sgn = Tensor.sign
    shape | a list of numbers
    sigmoid
    sign | NaN gives 0
    sin
    sinh
    size = Tensor.shape | a property
    slice_scatter = Tensor.indexPut
    softmax
    sort | \`{ values, indices }\`, always stable; indices i32
    split
    split_with_sizes = Tensor.split
    sqrt
    square
    squeeze
    std | \`{ correction: 1 }\` in place of \`unbiased\`
    sub
    subtract = Tensor.sub
    sum | bool sums as i32, integers keep their dtype (PyTorch: i64)
    swapaxes = Tensor.transpose
    swapdims = Tensor.transpose
    t
    take
    take_along_dim
    tan
    tanh
    tile
    to | \`to("f64")\` is lazy; \`await x.to(device)\` moves, into shares where the device keeps secrets
    tolist | \`await x.tolist()\`
    topk | \`{ values, indices }\`, indices i32
    trace
    transpose
    tril
    triu
    true_divide = Tensor.div
    trunc
    type = Tensor.cast
    type_as
    unbind
    unflatten
    unfold
    unsqueeze
    var | \`{ correction: 1 }\` in place of \`unbiased\`
    vdot = Tensor.dot
    view | as \`reshape\`: tensors are values
    view_as
    where | \`x.where(condition, other)\` takes x where the condition holds; \`where(condition, a, b)\` as in PyTorch
    xlogy
  `),
  beyond: beyond(`
    Tensor.index | Python's \`x[…]\`: \`x.index([1, 3], ":", 0)\` is \`x[1:3, :, 0]\`; integer tensors pick
    Tensor.slice | \`x.slice([1, 3], null, 0)\`; steps are at least 1 (\`index\` takes negative ones)
    Tensor.cast | \`to(dtype)\` by another name
    Tensor.realize, realize | computes now; \`realize(a, b)\` in one run
    Tensor.reveal | discloses a secret: \`x.reveal({ to, why })\`
    Tensor.linear, Tensor.conv1d, Tensor.conv2d, Tensor.convTranspose1d, Tensor.convTranspose2d, Tensor.maxPool1d, Tensor.maxPool2d, Tensor.avgPool1d, Tensor.avgPool2d, Tensor.adaptiveAvgPool1d, Tensor.adaptiveAvgPool2d, Tensor.adaptiveMaxPool1d, Tensor.adaptiveMaxPool2d, Tensor.pad, Tensor.gelu, Tensor.silu, Tensor.softplus, Tensor.leakyRelu, Tensor.logSigmoid, Tensor.cdist, Tensor.oneHot, Tensor.im2col | of \`nn.functional\`, as methods (\`im2col\` is \`F.unfold\`)
    Tensor.softmaxCrossEntropy | the op under \`nn.crossEntropy\`: logits [N,C], probabilities [N,C]
    Tensor.randomBits | the op under everything random
    Tensor.expr | the value's node in the lazy graph
    Tensor.accumulateGrad | for engines: adds to \`.grad\`
    Tensor.toString | type and device, never values; consoles and notebooks print it
  `),
  absent: absent(`
    H mH adjoint angle conj conj_physical imag is_complex is_conj is_neg isreal real resolve_conj resolve_neg cdouble cfloat chalf: there are no complex dtypes.
    bfloat16 half char short: no arithmetic in 8 and 16 bits; \`io\` reads and writes f16 and bf16 files.
    coalesce col_indices crow_indices ccol_indices dense_dim indices is_coalesced is_sparse is_sparse_csr row_indices smm sparse_dim sparse_mask sspaddmm to_dense to_mkldnn to_padded_tensor to_sparse to_sparse_bsc to_sparse_bsr to_sparse_coo to_sparse_csc to_sparse_csr values is_nested: tensors are dense.
    dequantize int_repr is_quantized q_per_channel_axis q_per_channel_scales q_per_channel_zero_points q_scale q_zero_point qscheme: no quantized tensors (\`data.tensorDataset\` keeps columns as bytes).
    align_as align_to has_names name names refine_names rename: dimensions have no names.
    cuda cpu ipu xpu get_device is_cpu is_cuda is_ipu is_meta is_mkldnn is_mps is_ort is_vulkan is_xpu is_inference is_distributed pin_memory is_pinned is_shared record_stream: a device is where privacy is decided; ask \`x.device\`.
    as_strided as_strided_scatter data_ptr element_size is_contiguous is_set_to layout storage storage_offset storage_type stride as_subclass new_empty new_empty_strided new resize resize_as: tensors are values without storage or strides; \`zeros\` in place of \`empty\`.
    argwhere unique unique_consecutive masked_scatter: the result's shape would depend on values; \`where\`, \`topk\` and \`sort\` keep shapes.
    bincount: for indices of n classes \`x.oneHot(n).sum(0)\`.
    grad_fn is_leaf output_nr retains_grad: the graph is a Program; \`registerHook\` and \`debug\` look into it.
    is_nonzero is_same_size is_signed: compare \`await x.item()\`, \`x.shape\`, \`x.dtype\`.
    dsplit hsplit vsplit tensor_split unsafe_chunk unsafe_split unsafe_split_with_sizes: use \`split\` or \`chunk\`.
    eig lstsq symeig solve reinforce volatile geqrf ormqr orgqr: removed or deprecated in PyTorch itself.
    positive: nothing to do.
  `),
};

export const CREATION: Family = {
  title: "Creating and joining tensors",
  intro:
    'Options last: `zeros([2, 3], { dtype: "f64", device, requiresGrad })`. Random tensors take a generator, `new Random(seed)`: nothing draws from a hidden one but `nn`\'s initial weights and dropout (`nn.manualSeed`).',
  room: "",
  rows: rows(`
    arange | i32 where all numbers are integers, else f32
    bernoulli | \`bernoulli(probs, random)\`
    broadcast_tensors
    cat | dtypes are promoted
    concat = cat
    einsum
    eye
    from_numpy = Tensor.from | \`Tensor.from(values, shape)\` copies, \`Tensor.adopt\` takes over
    full
    full_like
    hstack
    linspace
    meshgrid | \`indexing: "ij"\` unless said
    ones
    ones_like
    poisson
    rand | \`rand(shape, random)\`
    randint | \`randint(low, high, shape, random)\`; i32
    randn | \`randn(shape, random)\`
    randperm | \`randperm(n, random)\`; i32
    stack
    tensor | numbers are f32, also whole ones; booleans bool, bigints i64
    tensordot
    vstack
    zeros
    zeros_like
    Generator = Random | Philox4x32-10: same seed, same numbers, on every platform
    manual_seed = nn.manualSeed | of the generator of \`nn\` only
    get_rng_state = nn.defaultRandomState
    set_rng_state = nn.loadDefaultRandomState
  `),
  beyond: beyond(`
    Tensor.adopt | takes over a typed array without a copy
    cpu, defaultDevice, setDefaultDevice | the cpu device (threads, profile), and where tensors are made
    Program | what is computed, as data: printed, hashed, approved
    DTYPES, sizeOf | the dtypes; the number of elements of a shape
    TacitError | every error: a code, what was expected, a hint
    engineStats, step | counters of the engine; what an optimizer of your own calls
    debug | see docs/debugging.md
  `),
  absent: absent(`
    empty empty_like: \`zeros\`; memory that nobody wrote could hold somebody's secret.
    rand_like randn_like randint_like: \`rand(x.shape, random)\`.
    logspace: \`linspace(a, b, n).mul(Math.log(10)).exp()\`.
    set_default_dtype: f32; give \`dtype\` where another is wanted.
    save load: see io.
  `),
};

export const LINALG: Family = {
  title: "Linear algebra (torch.linalg)",
  intro: "Products are there, decompositions are not yet.",
  room: "Tensor",
  from: [["torch.linalg"]],
  rows: rows(`
    cross
    diagonal | of the first two dimensions unless said (torch.linalg: the last two)
    matmul
    matrix_norm = Tensor.norm | the Frobenius norm: \`x.norm("fro", [-2, -1])\`
    multi_dot = einsum | or \`a.matmul(b).matmul(c)\`
    norm | vectors
    vecdot = Tensor.mul | \`a.mul(b).sum(-1)\`
    vector_norm = Tensor.norm
  `),
};
