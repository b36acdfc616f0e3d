// Layer norm over the channels of tokens, forward and backward; cuda_layer_norm.py launches the kernels.
//
// y = (x - mean) / sqrt(variance + eps) weight + bias. Tensors are (rows, channels). Given as macros: LANES, a power of two, of
// neighbouring threads that share a row; FOURS, the fours of channels of each, so that channels = 4 LANES FOURS. weight and bias are
// float32. Everything is summed in a fixed order.

#define THREADS 256
#define CHANNELS (LANES * FOURS * 4)
#define ROWS (THREADS / LANES)  // of a block at a time
#define OWN (FOURS * 4)      // values of a thread

struct Sizes {
    i64 rows;
    float eps;
};

struct alignas(4 * sizeof(Io)) Four { Io v[4]; };

// The fours of a thread: neighbours read neighbouring ones.
__device__ __forceinline__ int first_channel(int four) { return (four * LANES + threadIdx.x % LANES) * 4; }

__device__ __forceinline__ void read(float* out, const Io* row) {
#pragma unroll
    for (int p = 0; p < FOURS; p++) {
        Four four = *(const Four*)(row + first_channel(p));
#pragma unroll
        for (int i = 0; i < 4; i++) out[p * 4 + i] = get(four.v[i]);
    }
}

__device__ __forceinline__ void write(Io* row, const float* values) {
#pragma unroll
    for (int p = 0; p < FOURS; p++) {
        Four four;
#pragma unroll
        for (int i = 0; i < 4; i++) put(&four.v[i], values[p * 4 + i]);
        *(Four*)(row + first_channel(p)) = four;
    }
}

__device__ __forceinline__ void read_parameters(float* out, const float* from) {
#pragma unroll
    for (int j = 0; j < OWN; j++) out[j] = from[first_channel(j / 4) + j % 4];
}

__device__ __forceinline__ float mean_over_row(float sum) {
#pragma unroll
    for (int stride = 1; stride < LANES; stride *= 2) sum += __shfl_xor_sync(FULL, sum, stride);
    return sum * (1.f / CHANNELS);
}

// x becomes the normed row; returns 1 / standard deviation.
__device__ __forceinline__ float norm(float* x, float eps) {
    float sum = 0.f, square = 0.f;
#pragma unroll
    for (int j = 0; j < OWN; j++) sum += x[j];
    float mean = mean_over_row(sum);
#pragma unroll
    for (int j = 0; j < OWN; j++) {
        x[j] -= mean;
        square += x[j] * x[j];
    }
    float scale = rsqrtf(mean_over_row(square) + eps);
#pragma unroll
    for (int j = 0; j < OWN; j++) x[j] *= scale;
    return scale;
}

extern "C" __global__ void __launch_bounds__(THREADS) layer_norm(
    const Io* x, const float* weight, const float* bias, Io* y, Sizes s) {
    float by[OWN], shift[OWN];
    read_parameters(by, weight);
    read_parameters(shift, bias);
    // All threads take part in the sums over lanes: past the last row, that one again.
    for (i64 first = (i64)blockIdx.x * ROWS; first < s.rows; first += (i64)gridDim.x * ROWS) {
        i64 row = first + threadIdx.x / LANES, here = row < s.rows ? row : s.rows - 1;
        float values[OWN];
        read(values, x + here * CHANNELS);
        norm(values, s.eps);
#pragma unroll
        for (int j = 0; j < OWN; j++) values[j] = values[j] * by[j] + shift[j];
        if (row < s.rows) write(y + row * CHANNELS, values);
    }
}

// dx, and each block's sums for weight and bias: partial (blocks, 2, channels).
extern "C" __global__ void __launch_bounds__(THREADS) layer_norm_gradient(
    const Io* dy, const Io* x, const float* weight, Io* dx, float* partial, Sizes s) {
    __shared__ float shared[THREADS / 32][CHANNELS];
    float by[OWN], sums[2][OWN];
    read_parameters(by, weight);
#pragma unroll
    for (int j = 0; j < OWN; j++) sums[0][j] = sums[1][j] = 0.f;
    for (i64 first = (i64)blockIdx.x * ROWS; first < s.rows; first += (i64)gridDim.x * ROWS) {
        i64 row = first + threadIdx.x / LANES, here = row < s.rows ? row : s.rows - 1;
        float normed[OWN], g[OWN], sum = 0.f, with_normed = 0.f;
        read(normed, x + here * CHANNELS);
        read(g, dy + here * CHANNELS);
        float scale = norm(normed, s.eps);
#pragma unroll
        for (int j = 0; j < OWN; j++) {
            g[j] = row < s.rows ? g[j] : 0.f;
            sums[0][j] += g[j] * normed[j];
            sums[1][j] += g[j];
            g[j] *= by[j];
            sum += g[j];
            with_normed += g[j] * normed[j];
        }
        float mean = mean_over_row(sum), mean_with_normed = mean_over_row(with_normed);
#pragma unroll
        for (int j = 0; j < OWN; j++) g[j] = scale * (g[j] - mean - normed[j] * mean_with_normed);
        if (row < s.rows) write(dx + row * CHANNELS, g);
    }
#pragma unroll
    for (int kind = 0; kind < 2; kind++) {
        __syncthreads();
#pragma unroll
        for (int j = 0; j < OWN; j++) {
            float total = sums[kind][j];
#pragma unroll
            for (int stride = LANES; stride < 32; stride *= 2) total += __shfl_xor_sync(FULL, total, stride);
            if (threadIdx.x % 32 < LANES) shared[threadIdx.x / 32][first_channel(j / 4) + j % 4] = total;
        }
        __syncthreads();
        for (int c = threadIdx.x; c < CHANNELS; c += THREADS) {
            float total = 0.f;
            for (int warp = 0; warp < THREADS / 32; warp++) total += shared[warp][c];
            partial[((i64)blockIdx.x * 2 + kind) * CHANNELS + c] = total;
        }
    }
}
