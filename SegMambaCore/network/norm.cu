// Instance norm with what follows it, forward and backward; cuda_norm.py launches the kernels.
//
// y = act(norm(x) + r), where r is nothing (RESIDUAL 0), a tensor (1) or a tensor normed likewise (2), and act is leaky ReLU with
// a slope for negative values. Tensors are (batch, voxels, channels); channels are a multiple of PACK, at most THREADS * PACK.
// statistics: (batch, 2, channels), mean and 1 / standard deviation. Everything is summed in a fixed order.

#define THREADS 256
#define AHEAD 4  // voxels whose loads are under way at a time

struct Sizes {
    int batch, voxels, channels, splits;  // splits: blocks that share the voxels of a sample
    float slope;
};

// A thread keeps to PACK channels and walks over the voxels of its block's share, `rows` threads beside each other.
struct Walk {
    int channel, row, rows, begin, end;
    i64 origin;
    bool idle;
};

__device__ __forceinline__ Walk walk_of_thread(Sizes s) {
    Walk w;
    int lanes = s.channels / PACK;
    w.rows = THREADS / lanes;
    w.row = threadIdx.x / lanes;
    w.channel = threadIdx.x % lanes * PACK;
    w.idle = w.row >= w.rows;
    int share = (s.voxels + s.splits - 1) / s.splits;
    w.begin = min((int)blockIdx.x * share, s.voxels);
    w.end = w.idle ? w.begin : min(w.begin + share, s.voxels);
    w.origin = (i64)blockIdx.y * s.voxels * s.channels + w.channel;
    return w;
}

__device__ __forceinline__ Pack read(const Io* x, Walk w, int voxel, Sizes s) {
    return *(const Pack*)(x + w.origin + (i64)voxel * s.channels);
}

__device__ __forceinline__ void read_statistics(float* out, const float* values, int which, int kinds, Walk w, Sizes s) {
#pragma unroll
    for (int i = 0; i < PACK; i++) out[i] = values[((i64)blockIdx.y * kinds + which) * s.channels + w.channel + i];
}

// Sums over the block's threads, KINDS values a channel, to partial (batch, splits, KINDS, channels).
template <int KINDS>
__device__ __forceinline__ void sum_over_block(float (*sums)[PACK], float* partial, Walk w, Sizes s) {
    __shared__ float shared[THREADS * PACK];  // [row][channel]
#pragma unroll
    for (int kind = 0; kind < KINDS; kind++) {
        __syncthreads();
        if (!w.idle)
            for (int i = 0; i < PACK; i++) shared[w.row * s.channels + w.channel + i] = sums[kind][i];
        __syncthreads();
        for (int c = threadIdx.x; c < s.channels; c += THREADS) {
            float total = 0.f;
            for (int row = 0; row < w.rows; row++) total += shared[row * s.channels + c];
            partial[(((i64)blockIdx.y * s.splits + blockIdx.x) * KINDS + kind) * s.channels + c] = total;
        }
    }
}

// Sums of x and x^2, both from the sample's first voxel on: so the variance is no difference of large numbers.
extern "C" __global__ void __launch_bounds__(THREADS) moments(const Io* x, float* partial, Sizes s) {
    Walk w = walk_of_thread(s);
    float sums[2][PACK];
    Pack pivot = read(x, w, 0, s);
#pragma unroll
    for (int i = 0; i < PACK; i++) sums[0][i] = sums[1][i] = 0.f;
    for (int v = w.begin + w.row; v < w.end; v += w.rows * AHEAD) {
        Pack ahead[AHEAD];
#pragma unroll
        for (int k = 0; k < AHEAD; k++) ahead[k] = read(x, w, min(v + k * w.rows, w.end - 1), s);
#pragma unroll
        for (int k = 0; k < AHEAD; k++)
#pragma unroll
            for (int i = 0; i < PACK; i++) {
                float d = v + k * w.rows < w.end ? get(ahead[k].v[i]) - get(pivot.v[i]) : 0.f;
                sums[0][i] += d;
                sums[1][i] += d * d;
            }
    }
    sum_over_block<2>(sums, partial, w, s);
}

// The sums over a sample's blocks, of 8 channels a block of threads, 32 shares of the blocks each; right in the first 8 threads.
template <int KINDS>
__device__ __forceinline__ void sum_over_splits(float* totals, const float* partial, int channel, Sizes s) {
    __shared__ float shared[KINDS][THREADS / 32][8];
    const float* first = partial + (i64)blockIdx.y * s.splits * KINDS * s.channels + channel;
#pragma unroll
    for (int kind = 0; kind < KINDS; kind++) totals[kind] = 0.f;
#pragma unroll 4
    for (int split = threadIdx.x / 8; split < s.splits; split += THREADS / 8)
#pragma unroll
        for (int kind = 0; kind < KINDS; kind++) totals[kind] += first[(split * KINDS + kind) * s.channels];
#pragma unroll
    for (int kind = 0; kind < KINDS; kind++) {
        totals[kind] += __shfl_xor_sync(FULL, totals[kind], 8);
        totals[kind] += __shfl_xor_sync(FULL, totals[kind], 16);
        if (threadIdx.x % 32 < 8) shared[kind][threadIdx.x / 32][threadIdx.x % 8] = totals[kind];
    }
    __syncthreads();
#pragma unroll
    for (int kind = 0; kind < KINDS; kind++) {
        totals[kind] = 0.f;
#pragma unroll
        for (int warp = 0; warp < THREADS / 32; warp++) totals[kind] += shared[kind][warp][threadIdx.x % 8];
    }
}

extern "C" __global__ void __launch_bounds__(THREADS) finish_moments(const float* partial, const Io* x, float* statistics, float eps, Sizes s) {
    int c = min((int)blockIdx.x * 8 + ((int)threadIdx.x % 8), s.channels - 1), sample = blockIdx.y;
    float totals[2];
    sum_over_splits<2>(totals, partial, c, s);
    if (threadIdx.x >= 8) return;
    float mean = totals[0] / s.voxels, square = totals[1] / s.voxels;
    statistics[((i64)sample * 2 + 0) * s.channels + c] = get(x[(i64)sample * s.voxels * s.channels + c]) + mean;
    statistics[((i64)sample * 2 + 1) * s.channels + c] = rsqrtf(fmaxf(square - mean * mean, 0.f) + eps);
}

struct Normed {  // of one thread's channels
    float mean[PACK], scale[PACK];
    __device__ __forceinline__ void load(const float* statistics, Walk w, Sizes s) {
        read_statistics(mean, statistics, 0, 2, w, s);
        read_statistics(scale, statistics, 1, 2, w, s);
    }
    __device__ __forceinline__ float operator()(Io x, int i) const { return (get(x) - mean[i]) * scale[i]; }
};

__device__ __forceinline__ float residual(const Pack& r, const Normed& normed, int i) {
    return RESIDUAL == 0 ? 0.f : RESIDUAL == 1 ? get(r.v[i]) : normed(r.v[i], i);
}

extern "C" __global__ void __launch_bounds__(THREADS) apply(
    const Io* x, const Io* r, const float* statistics, const float* r_statistics, Io* y, Sizes s) {
    Walk w = walk_of_thread(s);
    if (w.idle) return;
    Normed of_x, of_r;
    of_x.load(statistics, w, s);
    if (RESIDUAL == 2) of_r.load(r_statistics, w, s);
    for (int v = w.begin + w.row; v < w.end; v += w.rows * AHEAD) {
        Pack ahead[AHEAD], r_ahead[AHEAD];
#pragma unroll
        for (int k = 0; k < AHEAD; k++) {
            int at = min(v + k * w.rows, w.end - 1);
            ahead[k] = read(x, w, at, s);
            if (RESIDUAL) r_ahead[k] = read(r, w, at, s);
        }
#pragma unroll
        for (int k = 0; k < AHEAD; k++) {
            Pack out;
#pragma unroll
            for (int i = 0; i < PACK; i++) {
                float z = of_x(ahead[k].v[i], i) + residual(r_ahead[k], of_r, i);
                put(&out.v[i], z > 0.f ? z : s.slope * z);
            }
            if (v + k * w.rows < w.end) *(Pack*)(y + w.origin + (i64)(v + k * w.rows) * s.channels) = out;
        }
    }
}

// Sums of g, g norm(x) and g norm(r), where g = dy act'(norm(x) + r).
extern "C" __global__ void __launch_bounds__(THREADS) gradient_sums(
    const Io* dy, const Io* x, const Io* r, const float* statistics, const float* r_statistics, float* partial, Sizes s) {
    Walk w = walk_of_thread(s);
    Normed of_x, of_r;
    of_x.load(statistics, w, s);
    if (RESIDUAL == 2) of_r.load(r_statistics, w, s);
    float sums[3][PACK];
#pragma unroll
    for (int i = 0; i < PACK; i++) sums[0][i] = sums[1][i] = sums[2][i] = 0.f;
    for (int v = w.begin + w.row; v < w.end; v += w.rows * AHEAD) {
        Pack ahead[AHEAD], r_ahead[AHEAD], dy_ahead[AHEAD];
#pragma unroll
        for (int k = 0; k < AHEAD; k++) {
            int at = min(v + k * w.rows, w.end - 1);
            ahead[k] = read(x, w, at, s);
            dy_ahead[k] = read(dy, w, at, s);
            if (RESIDUAL) r_ahead[k] = read(r, w, at, s);
        }
#pragma unroll
        for (int k = 0; k < AHEAD; k++)
#pragma unroll
            for (int i = 0; i < PACK; i++) {
                float normed = of_x(ahead[k].v[i], i), rest = residual(r_ahead[k], of_r, i);
                float g = get(dy_ahead[k].v[i]) * (normed + rest > 0.f ? 1.f : s.slope);
                g = v + k * w.rows < w.end ? g : 0.f;
                sums[0][i] += g;
                sums[1][i] += g * normed;
                if (RESIDUAL == 2) sums[2][i] += g * rest;
            }
    }
    sum_over_block<3>(sums, partial, w, s);
}

// Means over the voxels: (batch, 3, channels).
extern "C" __global__ void __launch_bounds__(THREADS) finish_gradient_sums(const float* partial, float* means, Sizes s) {
    int c = min((int)blockIdx.x * 8 + ((int)threadIdx.x % 8), s.channels - 1);
    float totals[3];
    sum_over_splits<3>(totals, partial, c, s);
    if (threadIdx.x >= 8) return;
#pragma unroll
    for (int kind = 0; kind < 3; kind++) means[((i64)blockIdx.y * 3 + kind) * s.channels + c] = totals[kind] / s.voxels;
}

// d norm: (g - mean(g) - norm(x) mean(g norm(x))) / standard deviation.
extern "C" __global__ void __launch_bounds__(THREADS) apply_gradient(
    const Io* dy, const Io* x, const Io* r, const float* statistics, const float* r_statistics, const float* means, Io* dx, Io* dr, Sizes s) {
    Walk w = walk_of_thread(s);
    if (w.idle) return;
    Normed of_x, of_r;
    of_x.load(statistics, w, s);
    if (RESIDUAL == 2) of_r.load(r_statistics, w, s);
    float mean[PACK], with_x[PACK], with_r[PACK];
    read_statistics(mean, means, 0, 3, w, s);
    read_statistics(with_x, means, 1, 3, w, s);
    read_statistics(with_r, means, 2, 3, w, s);
    for (int v = w.begin + w.row; v < w.end; v += w.rows * AHEAD) {
        Pack ahead[AHEAD], r_ahead[AHEAD], dy_ahead[AHEAD];
#pragma unroll
        for (int k = 0; k < AHEAD; k++) {
            int at = min(v + k * w.rows, w.end - 1);
            ahead[k] = read(x, w, at, s);
            dy_ahead[k] = read(dy, w, at, s);
            if (RESIDUAL) r_ahead[k] = read(r, w, at, s);
        }
#pragma unroll
        for (int k = 0; k < AHEAD; k++) {
            Pack out, r_out;
#pragma unroll
            for (int i = 0; i < PACK; i++) {
                float normed = of_x(ahead[k].v[i], i), rest = residual(r_ahead[k], of_r, i);
                float g = get(dy_ahead[k].v[i]) * (normed + rest > 0.f ? 1.f : s.slope);
                put(&out.v[i], of_x.scale[i] * (g - mean[i] - normed * with_x[i]));
                if (RESIDUAL == 1) put(&r_out.v[i], g);
                if (RESIDUAL == 2) put(&r_out.v[i], of_r.scale[i] * (g - mean[i] - rest * with_r[i]));
            }
            if (v + k * w.rows < w.end) {
                i64 at = w.origin + (i64)(v + k * w.rows) * s.channels;
                *(Pack*)(dx + at) = out;
                if (RESIDUAL) *(Pack*)(dr + at) = r_out;
            }
        }
    }
}
