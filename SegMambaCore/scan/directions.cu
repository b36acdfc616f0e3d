// What stands before and behind the scan of a direction: tokens taken in its order, convolved and activated; and the
// directions' results put back into token order, summed and gated. cuda_directions.py launches the kernels.
//
// x, z are (batch, length, channels) with rows `stride` elements apart (the halves of one projection), their gradients likewise;
// everything else is contiguous. Channels and stride are multiples of PACK, channels at most THREADS * 4.

#define THREADS 256
#define WIDTH 4  // taps of the causal convolution
#define RUN 4    // neighbouring tokens of a thread

struct Sizes {
    int batch, length, channels, stride;
    int direction;  // 0 forward, 1 reverse, 2 inter-slice
    int slices, plane, run;  // plane: tokens of a slice; run: tokens of a thread in the gradient of the convolution
    int gradient_stride, adds;  // of the gradients of x and z; adds: whether that of x is added to what is there
};

// The token that a direction scans as its t-th.
__device__ __forceinline__ int token_of(int t, int direction, Sizes s) {
    if (direction == 1) return s.length - 1 - t;
    if (direction == 2) return t % s.slices * s.plane + t / s.slices;
    return t;
}

// When a direction scans this token.
__device__ __forceinline__ int time_of(int token, int direction, Sizes s) {
    if (direction == 1) return s.length - 1 - token;
    if (direction == 2) return token % s.plane * s.slices + token / s.plane;
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

// ---- the convolution's gradient: a thread walks along `run` tokens with four channels ---------------------------------------

#define LOADS 3  // tokens whose loads are under way at a time: WIDTH - 1, so that what the next ones need stays in its registers

struct alignas(4 * sizeof(Io)) Four { Io v[4]; };

// Where the tokens lie that a direction scans one after the other; no division from one to the next.
struct Walk {
    int token, slice;
    __device__ __forceinline__ Walk(int t, Sizes s) {
        token = token_of(t, s.direction, s);
        slice = s.direction == 2 ? t % s.slices : 0;
    }
    __device__ __forceinline__ void go_on(Sizes s) {
        if (s.direction != 2) {
            token += s.direction ? -1 : 1;
            return;
        }
        bool back = ++slice == s.slices;
        token += back ? 1 - (s.slices - 1) * s.plane : s.plane;
        slice = back ? 0 : slice;
    }
};

// dx in token order, and the sums for weight and bias by block: partial (blocks, WIDTH + 1, channels), the bias last.
extern "C" __global__ void __launch_bounds__(THREADS, 2) convolve_gradient(
    const Io* dy, const Io* x, const float* weight, const float* bias, Io* dx, float* partial, Sizes s) {
    __shared__ float shared[THREADS * 4];
    int lanes = s.channels / 4, rows = THREADS / lanes, runs = (s.length + s.run - 1) / s.run;
    int row = threadIdx.x / lanes, channel = threadIdx.x % lanes * 4;
    int number = blockIdx.x * rows + row, batch = number / runs, begin = number % runs * s.run;
    float sums[WIDTH + 1][4];
#pragma unroll
    for (int j = 0; j <= WIDTH; j++)
#pragma unroll
        for (int c = 0; c < 4; c++) sums[j][c] = 0.f;

    if (row < rows && batch < s.batch) {
        int end = min(begin + s.run, s.length);
        i64 origin = (i64)batch * s.length;
        float taps[4][WIDTH], offset[4], before[WIDTH - 1][4], g[WIDTH - 1][4];  // x and g of the last three tokens
#pragma unroll
        for (int c = 0; c < 4; c++) {
            float4 w = *(const float4*)(weight + (channel + c) * WIDTH);
            taps[c][0] = w.x, taps[c][1] = w.y, taps[c][2] = w.z, taps[c][3] = w.w;
            offset[c] = bias[channel + c];
        }
#pragma unroll
        for (int j = 0; j < WIDTH - 1; j++) {
            int t = begin - WIDTH + 1 + j;
            Four four = *(const Four*)(x + (origin + token_of(max(t, 0), s.direction, s)) * s.stride + channel);
#pragma unroll
            for (int c = 0; c < 4; c++) {
                before[j][c] = t >= 0 ? get(four.v[c]) : 0.f;
                g[j][c] = 0.f;
            }
        }
        Walk of_x(begin, s), of_dx(begin, s);
        for (int t = begin; t < end + WIDTH - 1; t += LOADS) {
            Four xs[LOADS], dys[LOADS];
#pragma unroll
            for (int k = 0; k < LOADS; k++) {
                xs[k] = *(const Four*)(x + (origin + of_x.token) * s.stride + channel);
                dys[k] = *(const Four*)(dy + (origin + min(t + k, s.length - 1)) * s.channels + channel);
                if (t + k < s.length - 1) of_x.go_on(s);
            }
#pragma unroll
            for (int k = 0; k < LOADS; k++) {
                int of = t + k - WIDTH + 1;
                bool writes = of >= begin && of < end;
                Four out;
                if (s.adds && writes) out = *(const Four*)(dx + (origin + of_dx.token) * s.gradient_stride + channel);
#pragma unroll
                for (int c = 0; c < 4; c++) {
                    float now = get(xs[k].v[c]), sum = offset[c] + taps[c][WIDTH - 1] * now;
#pragma unroll
                    for (int j = 0; j < WIDTH - 1; j++) sum += taps[c][j] * before[j][c];
                    float open = sigmoid(sum), of_sum = get(dys[k].v[c]) * open * (1.f + sum * (1.f - open));
                    of_sum = t + k < s.length ? of_sum : 0.f;
                    float through = taps[c][0] * of_sum + (s.adds ? get(out.v[c]) : 0.f);
#pragma unroll
                    for (int j = 0; j < WIDTH - 1; j++) through += taps[c][WIDTH - 1 - j] * g[j][c];
                    put(&out.v[c], through);
                    float own = t + k < end ? of_sum : 0.f;  // what lies beyond belongs to the next thread
#pragma unroll
                    for (int j = 0; j < WIDTH - 1; j++) sums[j][c] += own * before[j][c];
                    sums[WIDTH - 1][c] += own * now;
                    sums[WIDTH][c] += own;
#pragma unroll
                    for (int j = 0; j < WIDTH - 2; j++) before[j][c] = before[j + 1][c], g[j][c] = g[j + 1][c];
                    before[WIDTH - 2][c] = now;
                    g[WIDTH - 2][c] = of_sum;
                }
                if (writes) {
                    *(Four*)(dx + (origin + of_dx.token) * s.gradient_stride + channel) = out;
                    of_dx.go_on(s);
                }
            }
        }
    }
#pragma unroll
    for (int j = 0; j <= WIDTH; j++) {
        __syncthreads();
        if (row < rows)
#pragma unroll
            for (int c = 0; c < 4; c++) shared[row * s.channels + channel + c] = sums[j][c];
        __syncthreads();
        for (int c = threadIdx.x; c < s.channels; c += THREADS) {
            float total = 0.f;
            for (int r = 0; r < rows; r++) total += shared[r * s.channels + c];
            partial[((i64)blockIdx.x * (WIDTH + 1) + j) * s.channels + c] = total;
        }
    }
}

// The gradients of weight and bias from `partial`: 8 values and 32 shares of the blocks a block of threads.
extern "C" __global__ void __launch_bounds__(THREADS) add_blocks(
    const float* partial, float* d_weight, float* d_bias, int blocks, Sizes s) {
    __shared__ float shared[THREADS / 32][8];
    int values = (WIDTH + 1) * s.channels, value = blockIdx.x * 8 + threadIdx.x % 8;
    float total = 0.f;
#pragma unroll 4
    for (int block = threadIdx.x / 8; block < blocks; block += THREADS / 8)
        total += partial[(i64)block * values + min(value, values - 1)];
    total += __shfl_xor_sync(FULL, total, 8);
    total += __shfl_xor_sync(FULL, total, 16);
    if (threadIdx.x % 32 < 8) shared[threadIdx.x / 32][threadIdx.x % 8] = total;
    __syncthreads();
    if (threadIdx.x >= 8 || value >= values) return;
    total = 0.f;
    for (int warp = 0; warp < THREADS / 32; warp++) total += shared[warp][threadIdx.x];
    int tap = value / s.channels, channel = value % s.channels;
    (tap < WIDTH ? d_weight + channel * WIDTH + tap : d_bias + channel)[0] = total;
}

// ---- the directions' results together ----------------------------------------------------------------------------------

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
    *(Pack*)(dz + (origin + token) * s.gradient_stride + channel) = of_gate;
}
