// What stands before and behind the scan of a direction: tokens taken in its order, convolved and activated; and the
// directions' results put back into token order, summed and gated. cuda_directions.py launches the kernels.
//
// x, z are (batch, length, channels) with rows `stride` elements apart (the halves of one projection); everything else is
// contiguous. Channels and stride are multiples of PACK, channels at most THREADS * PACK.

#define THREADS 256
#define WIDTH 4  // taps of the causal convolution
#define RUN 4    // neighbouring tokens of a thread

struct Sizes {
    int batch, length, channels, stride;
    int direction;  // 0 forward, 1 reverse, 2 inter-slice
    int slices, blocks;
};

// The token that a direction scans as its t-th.
__device__ __forceinline__ int token_of(int t, int direction, Sizes s) {
    if (direction == 1) return s.length - 1 - t;
    if (direction == 2) return t % s.slices * (s.length / s.slices) + t / s.slices;
    return t;
}

// When a direction scans this token.
__device__ __forceinline__ int time_of(int token, int direction, Sizes s) {
    if (direction == 1) return s.length - 1 - token;
    if (direction == 2) return token % (s.length / s.slices) * s.slices + token / (s.length / s.slices);
    return token;
}

__device__ __forceinline__ Pack read_x(const Io* x, int batch, int t, int channel, Sizes s) {
    int token = token_of(max(0, min(t, s.length - 1)), s.direction, s);
    return *(const Pack*)(x + ((i64)batch * s.length + token) * s.stride + channel);
}

// y[t] = SiLU(b + sum_k w[k] x[t - WIDTH + 1 + k]), x in the direction's order and zero before its beginning.
// weight: (channels, WIDTH) float32.
extern "C" __global__ void __launch_bounds__(THREADS) convolve(
    const Io* x, const float* weight, const float* bias, Io* y, Sizes s) {
    int lanes = s.channels / PACK, runs = (s.length + RUN - 1) / RUN;
    i64 index = (i64)blockIdx.x * THREADS + threadIdx.x;
    int channel = (int)(index % lanes) * PACK, t0 = (int)(index / lanes % runs) * RUN;
    int batch = (int)(index / lanes / runs);
    if (batch >= s.batch) return;
    Pack window[RUN + WIDTH - 1];
#pragma unroll
    for (int i = 0; i < RUN + WIDTH - 1; i++) window[i] = read_x(x, batch, t0 - WIDTH + 1 + i, channel, s);
    Pack out[RUN];
#pragma unroll
    for (int i = 0; i < PACK; i++) {
        float4 w = *(const float4*)(weight + (channel + i) * WIDTH);
        float taps[WIDTH] = {w.x, w.y, w.z, w.w}, b = bias[channel + i];
#pragma unroll
        for (int k = 0; k < RUN; k++) {
            float sum = b;
#pragma unroll
            for (int j = 0; j < WIDTH; j++)
                if (t0 + k - WIDTH + 1 + j >= 0) sum += taps[j] * get(window[k + j].v[i]);
            put(&out[k].v[i], sum * sigmoid(sum));
        }
    }
#pragma unroll
    for (int k = 0; k < RUN; k++)
        if (t0 + k < s.length) *(Pack*)(y + ((i64)batch * s.length + t0 + k) * s.channels + channel) = out[k];
}

// dx in token order, and the sums for weight and bias by block: partial (blocks, WIDTH + 1, channels), the bias last.
extern "C" __global__ void __launch_bounds__(THREADS) convolve_gradient(
    const Io* dy, const Io* x, const float* weight, const float* bias, Io* dx, float* partial, Sizes s) {
    __shared__ float shared[THREADS * PACK];
    int lanes = s.channels / PACK, rows = THREADS / lanes, runs = (s.length + RUN - 1) / RUN;
    int row = threadIdx.x / lanes, channel = threadIdx.x % lanes * PACK;
    float sums[WIDTH + 1][PACK];
#pragma unroll
    for (int j = 0; j <= WIDTH; j++)
#pragma unroll
        for (int i = 0; i < PACK; i++) sums[j][i] = 0.f;

    if (row < rows)
        for (i64 run = (i64)blockIdx.x * rows + row; run < (i64)s.batch * runs; run += (i64)s.blocks * rows) {
            int batch = (int)(run / runs), t0 = (int)(run % runs) * RUN;
            Pack window[RUN + 2 * WIDTH - 2], dy_ahead[RUN + WIDTH - 1];  // x from t0 - WIDTH + 1, dy from t0 on
#pragma unroll
            for (int i = 0; i < RUN + 2 * WIDTH - 2; i++) window[i] = read_x(x, batch, t0 - WIDTH + 1 + i, channel, s);
#pragma unroll
            for (int i = 0; i < RUN + WIDTH - 1; i++)
                dy_ahead[i] = *(const Pack*)(dy + ((i64)batch * s.length + min(t0 + i, s.length - 1)) * s.channels + channel);
            Pack out[RUN];
#pragma unroll
            for (int i = 0; i < PACK; i++) {
                float4 w = *(const float4*)(weight + (channel + i) * WIDTH);
                float taps[WIDTH] = {w.x, w.y, w.z, w.w}, b = bias[channel + i], g[RUN + WIDTH - 1];
#pragma unroll
                for (int k = 0; k < RUN + WIDTH - 1; k++) {
                    float sum = b;
#pragma unroll
                    for (int j = 0; j < WIDTH; j++)
                        if (t0 + k - WIDTH + 1 + j >= 0) sum += taps[j] * get(window[k + j].v[i]);
                    float open = sigmoid(sum);
                    g[k] = t0 + k < s.length ? get(dy_ahead[k].v[i]) * open * (1.f + sum * (1.f - open)) : 0.f;
                }
#pragma unroll
                for (int k = 0; k < RUN; k++) {
                    float total = 0.f;
#pragma unroll
                    for (int j = 0; j < WIDTH; j++) {
                        total += taps[j] * g[k + WIDTH - 1 - j];
                        if (t0 + k - WIDTH + 1 + j >= 0) sums[j][i] += g[k] * get(window[k + j].v[i]);
                    }
                    sums[WIDTH][i] += g[k];
                    put(&out[k].v[i], total);
                }
            }
#pragma unroll
            for (int k = 0; k < RUN; k++)
                if (t0 + k < s.length) {
                    int token = token_of(t0 + k, s.direction, s);
                    *(Pack*)(dx + ((i64)batch * s.length + token) * s.channels + channel) = out[k];
                }
        }
#pragma unroll
    for (int j = 0; j <= WIDTH; j++) {
        __syncthreads();
        if (row < rows)
            for (int i = 0; i < PACK; i++) shared[row * s.channels + channel + i] = sums[j][i];
        __syncthreads();
        for (int c = threadIdx.x; c < s.channels; c += THREADS) {
            float total = 0.f;
            for (int r = 0; r < rows; r++) total += shared[r * s.channels + c];
            partial[((i64)blockIdx.x * (WIDTH + 1) + j) * s.channels + c] = total;
        }
    }
}

// out = SiLU(z) (forward + reverse + inter-slice), all in token order; each result arrives in its own direction's order. Also the
// sum alone, for the gradient. A direction that there is not is a null pointer.
extern "C" __global__ void __launch_bounds__(THREADS) gather(
    const Io* forward, const Io* reverse, const Io* inter_slice, const Io* z, Io* out, Io* sum, Sizes s) {
    int lanes = s.channels / PACK;
    i64 index = (i64)blockIdx.x * THREADS + threadIdx.x;
    int channel = (int)(index % lanes) * PACK, token = (int)(index / lanes % s.length), batch = (int)(index / lanes / s.length);
    if (batch >= s.batch) return;
    i64 origin = (i64)batch * s.length;
    const Io* results[3] = {forward, reverse, inter_slice};
    Pack gate = *(const Pack*)(z + (origin + token) * s.stride + channel), gated, summed, read[3];
#pragma unroll
    for (int d = 0; d < 3; d++)
        if (results[d]) read[d] = *(const Pack*)(results[d] + (origin + time_of(token, d, s)) * s.channels + channel);
#pragma unroll
    for (int i = 0; i < PACK; i++) {
        float total = 0.f, open = get(gate.v[i]);
#pragma unroll
        for (int d = 0; d < 3; d++)
            if (results[d]) total += get(read[d].v[i]);
        put(&summed.v[i], total);
        put(&gated.v[i], total * open * sigmoid(open));
    }
    i64 at = (origin + token) * s.channels + channel;
    *(Pack*)(out + at) = gated;
    if (sum) *(Pack*)(sum + at) = summed;
}

// The gradients of the directions' results, each in its order, and of z.
extern "C" __global__ void __launch_bounds__(THREADS) scatter_gradient(
    const Io* dout, const Io* sum, const Io* z, Io* forward, Io* reverse, Io* inter_slice, Io* dz, Sizes s) {
    int lanes = s.channels / PACK;
    i64 index = (i64)blockIdx.x * THREADS + threadIdx.x;
    int channel = (int)(index % lanes) * PACK, token = (int)(index / lanes % s.length), batch = (int)(index / lanes / s.length);
    if (batch >= s.batch) return;
    i64 origin = (i64)batch * s.length, at = (origin + token) * s.channels + channel;
    Io* results[3] = {forward, reverse, inter_slice};
    Pack gate = *(const Pack*)(z + (origin + token) * s.stride + channel);
    Pack given = *(const Pack*)(dout + at), summed = *(const Pack*)(sum + at), through, of_gate;
#pragma unroll
    for (int i = 0; i < PACK; i++) {
        float x = get(gate.v[i]), open = sigmoid(x), g = get(given.v[i]);
        put(&through.v[i], g * x * open);
        put(&of_gate.v[i], g * get(summed.v[i]) * open * (1.f + x * (1.f - open)));
    }
#pragma unroll
    for (int d = 0; d < 3; d++)
        if (results[d]) *(Pack*)(results[d] + (origin + time_of(token, d, s)) * s.channels + channel) = through;
    *(Pack*)(dz + at) = of_gate;
}
