// The selective scan and its gradients, compiled at run time (nvrtc.py); cuda_scan.py launches the kernels.
//
// Given as macros: STATES, the registers a channel's states take (a power of two from 4 to 64, at least the number of
// states); IO (formats.cuh), the type of u, B, C, y; DT_IO, the type of dt likewise; SOFTPLUS, whether the step size is
// softplus(dt + dt_bias) instead of dt; BACK, tokens whose states the backward keeps in registers at a time.
//
// Tensors: u, dt, y (batch, length, channels); B, C (batch, length, states); A (channels, states);
// ends, handed (batch, chunks, states, channels); sum_dt (batch, chunks, channels). All contiguous. States are float32.
// Everything is summed in a fixed order: the same input gives the same bits.

#define TILE 8  // tokens whose B and C are staged at a time

struct Sizes {
    int batch, length, channels, states, chunks, steps;  // steps: tokens a chunk, a multiple of TILE and BACK
};

#if DT_IO == 0
typedef Float Dt;
#elif DT_IO == 1
typedef Half Dt;
#else
typedef Bfloat Dt;
#endif

// ---- step sizes -------------------------------------------------------------------------------------------------------

// softplus(x) = ln(1 + e^x); small results keep their relative precision.
__device__ __forceinline__ float softplus(float x) {
    float e = exp2_fast(x * LOG2E);
    float series = e * (1.f - e * (0.5f - e * (1.f / 3 - e * (0.25f - e * 0.2f))));
    float value = e < 0.03125f ? series : log2_fast(1.f + e) * LN2;
    return x > 20.f ? x : value;
}

// softplus'(x) = 1 - e^-softplus(x), from the step itself.
__device__ __forceinline__ float softplus_slope(float step) {
    float series = step * (1.f - step * (0.5f - step * (1.f / 6 - step * (1.f / 24 - step * (1.f / 120)))));
    return step < 0.0625f ? series : 1.f - exp2_fast(-step * LOG2E);
}

__device__ __forceinline__ float step_size(Dt dt, float bias) {
#if SOFTPLUS
    return softplus(get(dt) + bias);
#else
    return get(dt);
#endif
}

// ---- forward and the chunks' ends: a warp is 32 channels, a lane keeps all states of its channel -------------------------
// All loads of a tile go out before the first is used, and without branches (places outside are read at the last valid
// token and channel, and then replaced by zeros): memory is waited for once a tile.

struct Place {  // of a warp: its chunk and its channel
    int batch, chunk, channel;
    bool exists, inside;
    int first, last;  // tokens
};

__device__ __forceinline__ Place place_of_warp(Sizes s) {
    i64 warp = (i64)blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
    int groups = (s.channels + 31) / 32;
    Place p;
    p.channel = (int)(warp % groups) * 32 + (threadIdx.x & 31);
    p.chunk = (int)(warp / groups % s.chunks);
    p.batch = (int)(warp / groups / s.chunks);
    p.exists = p.batch < s.batch;
    p.inside = p.channel < s.channels;
    p.channel = min(p.channel, s.channels - 1);
    p.first = p.chunk * s.steps;
    p.last = min(p.first + s.steps, s.length);
    return p;
}

__device__ __forceinline__ void read_rates(float* rate, const float* A, int channel, Sizes s) {
#pragma unroll
    for (int n = 0; n < STATES; n++) rate[n] = n < s.states ? A[(i64)channel * s.states + n] * LOG2E : 0.f;
}

// Where the tokens of a tile lie from its first one on; past the last token, that one again.
template <int COUNT>
struct Rows {
    int offset[COUNT];
    i64 base;
    __device__ __forceinline__ Rows(i64 origin, int t, int last, int channel, Sizes s) {
        base = (origin + t) * s.channels + channel;
#pragma unroll
        for (int k = 0; k < COUNT; k++) offset[k] = min(k, last - 1 - t) * s.channels;
    }
    template <class T>
    __device__ __forceinline__ void read(T* out, const T* tensor) const {
        const T* first = tensor + base;
#pragma unroll
        for (int k = 0; k < COUNT; k++) out[k] = first[offset[k]];
    }
};

// COUNT rows of B or C into shared memory, as float32; zero beyond the last token and state. thread: among THREADS.
template <int COUNT, int THREADS>
__device__ __forceinline__ void stage(float* staged, const Io* rows, i64 origin, int t, int last, int thread, Sizes s) {
    const Io* first = rows + (origin + t) * s.states;
#pragma unroll
    for (int i = thread; i < COUNT * STATES; i += THREADS) {
        int k = i / STATES, n = i % STATES;
        float value = get(first[min(k, last - 1 - t) * s.states + min(n, s.states - 1)]);
        staged[i] = (t + k < last && n < s.states) ? value : 0.f;
    }
}

extern "C" __global__ void __launch_bounds__(128) chunk_ends(
    const Io* u, const Dt* dt, const float* dt_bias, const float* A, const Io* B, float* ends, float* sum_dt, Sizes s) {
    __shared__ float4 shared[4][TILE * STATES / 4];
    Place p = place_of_warp(s);
    if (!p.exists) return;
    float* sB = (float*)shared[threadIdx.x / 32];
    float rate[STATES], h[STATES], total = 0.f;
    read_rates(rate, A, p.channel, s);
#pragma unroll
    for (int n = 0; n < STATES; n++) h[n] = 0.f;
    float bias = SOFTPLUS ? dt_bias[p.channel] : 0.f;
    i64 origin = (i64)p.batch * s.length;

    for (int t = p.first; t < p.last; t += TILE) {
        Io x[TILE];
        Dt raw[TILE];
        Rows<TILE> rows(origin, t, p.last, p.channel, s);
        rows.read(x, u);
        rows.read(raw, dt);
        __syncwarp();
        stage<TILE, 32>(sB, B, origin, t, p.last, threadIdx.x & 31, s);
        __syncwarp();
#pragma unroll
        for (int k = 0; k < TILE; k++) {
            float step = step_size(raw[k], bias) * (t + k < p.last);  // no branch
            float push = step * get(x[k]);
            total += step;
#pragma unroll
            for (int n = 0; n < STATES; n += 4) {
                float4 b = *(float4*)(sB + k * STATES + n);
                h[n] = exp2_fast(step * rate[n]) * h[n] + push * b.x;
                h[n + 1] = exp2_fast(step * rate[n + 1]) * h[n + 1] + push * b.y;
                h[n + 2] = exp2_fast(step * rate[n + 2]) * h[n + 2] + push * b.z;
                h[n + 3] = exp2_fast(step * rate[n + 3]) * h[n + 3] + push * b.w;
            }
        }
    }
    if (!p.inside) return;
    i64 chunk = (i64)p.batch * s.chunks + p.chunk;
    sum_dt[chunk * s.channels + p.channel] = total;
#pragma unroll
    for (int n = 0; n < STATES; n++)
        if (n < s.states) ends[(chunk * s.states + n) * s.channels + p.channel] = h[n];
}

extern "C" __global__ void __launch_bounds__(128) outputs(
    const Io* u, const Dt* dt, const float* dt_bias, const float* A, const Io* B, const Io* C, const float* D,
    const float* ends, Io* y, Sizes s) {
    __shared__ float4 shared[4][2 * TILE * STATES / 4];
    Place p = place_of_warp(s);
    if (!p.exists) return;
    float* sB = (float*)shared[threadIdx.x / 32];
    float* sC = sB + TILE * STATES;
    float rate[STATES], h[STATES];
    read_rates(rate, A, p.channel, s);
    i64 before = (i64)p.batch * s.chunks + p.chunk - 1;
#pragma unroll
    for (int n = 0; n < STATES; n++)
        h[n] = p.chunk > 0 && n < s.states ? ends[(before * s.states + n) * s.channels + p.channel] : 0.f;
    float bias = SOFTPLUS ? dt_bias[p.channel] : 0.f;
    float skip = D[p.channel];
    i64 origin = (i64)p.batch * s.length;

    for (int t = p.first; t < p.last; t += TILE) {
        Io x[TILE];
        Dt raw[TILE];
        Rows<TILE> rows(origin, t, p.last, p.channel, s);
        rows.read(x, u);
        rows.read(raw, dt);
        __syncwarp();
        stage<TILE, 32>(sB, B, origin, t, p.last, threadIdx.x & 31, s);
        stage<TILE, 32>(sC, C, origin, t, p.last, threadIdx.x & 31, s);
        __syncwarp();
#pragma unroll
        for (int k = 0; k < TILE; k++) {
            float step = step_size(raw[k], bias) * (t + k < p.last);  // no branch
            float push = step * get(x[k]);
            float out[4] = {skip * get(x[k]), 0.f, 0.f, 0.f};  // four sums, so that no addition waits for the one before
#pragma unroll
            for (int n = 0; n < STATES; n += 4) {
                float4 b = *(float4*)(sB + k * STATES + n), c = *(float4*)(sC + k * STATES + n);
                h[n] = exp2_fast(step * rate[n]) * h[n] + push * b.x;
                h[n + 1] = exp2_fast(step * rate[n + 1]) * h[n + 1] + push * b.y;
                h[n + 2] = exp2_fast(step * rate[n + 2]) * h[n + 2] + push * b.z;
                h[n + 3] = exp2_fast(step * rate[n + 3]) * h[n + 3] + push * b.w;
                out[0] += h[n] * c.x;
                out[1] += h[n + 1] * c.y;
                out[2] += h[n + 2] * c.z;
                out[3] += h[n + 3] * c.w;
            }
            if (p.inside && t + k < p.last) put(y + rows.base + rows.offset[k], (out[0] + out[1]) + (out[2] + out[3]));
        }
    }
}

// What a chunk hands to the one before it, if nothing comes from the one after it.
extern "C" __global__ void __launch_bounds__(128) chunk_handed(
    const Io* dy, const Dt* dt, const float* dt_bias, const float* A, const Io* C, float* handed, Sizes s) {
    __shared__ float4 shared[4][TILE * STATES / 4];
    Place p = place_of_warp(s);
    if (!p.exists) return;
    float* sC = (float*)shared[threadIdx.x / 32];
    float rate[STATES], g[STATES];
    read_rates(rate, A, p.channel, s);
#pragma unroll
    for (int n = 0; n < STATES; n++) g[n] = 0.f;
    float bias = SOFTPLUS ? dt_bias[p.channel] : 0.f;
    i64 origin = (i64)p.batch * s.length;

    int tiles = (p.last - p.first + TILE - 1) / TILE;
    for (int tile = tiles - 1; tile >= 0; tile--) {
        int t = p.first + tile * TILE;
        Io out[TILE];
        Dt raw[TILE];
        Rows<TILE> rows(origin, t, p.last, p.channel, s);
        rows.read(out, dy);
        rows.read(raw, dt);
        __syncwarp();
        stage<TILE, 32>(sC, C, origin, t, p.last, threadIdx.x & 31, s);
        __syncwarp();
#pragma unroll
        for (int k = TILE - 1; k >= 0; k--) {
            float step = step_size(raw[k], bias) * (t + k < p.last);  // no branch
            float pull = get(out[k]);  // past the end C is zero
#pragma unroll
            for (int n = 0; n < STATES; n += 4) {
                float4 c = *(float4*)(sC + k * STATES + n);
                g[n] = exp2_fast(step * rate[n]) * (g[n] + pull * c.x);
                g[n + 1] = exp2_fast(step * rate[n + 1]) * (g[n + 1] + pull * c.y);
                g[n + 2] = exp2_fast(step * rate[n + 2]) * (g[n + 2] + pull * c.z);
                g[n + 3] = exp2_fast(step * rate[n + 3]) * (g[n + 3] + pull * c.w);
            }
        }
    }
    if (!p.inside) return;
    i64 chunk = (i64)p.batch * s.chunks + p.chunk;
#pragma unroll
    for (int n = 0; n < STATES; n++)
        if (n < s.states) handed[(chunk * s.states + n) * s.channels + p.channel] = g[n];
}

// ---- linking the chunks: in place, from what each makes alone to what it makes after all that come before it ------------
// A chunk's decay is exp(A sum dt), a product of factors below one that nothing is ever divided by.

#define SEGMENTS 32
#define AHEAD 8  // chunks whose loads are under way at a time

extern "C" __global__ void __launch_bounds__(32 * SEGMENTS) link_chunks(
    float* ends, const float* sum_dt, const float* A, int backward, Sizes s) {
    __shared__ float decays[SEGMENTS][32], values[SEGMENTS][32];
    int segment = threadIdx.x / 32, column = threadIdx.x & 31;
    i64 lanes = (i64)s.states * s.channels;
    i64 lane = (i64)blockIdx.x * 32 + column;  // = n * channels + channel
    bool inside = lane < lanes;
    if (!inside) lane = lanes - 1;
    int channel = (int)(lane % s.channels);
    float rate = A[(i64)channel * s.states + lane / s.channels] * LOG2E;
    int length = (s.chunks + SEGMENTS - 1) / SEGMENTS;
    int begin = min(segment * length, s.chunks), end = min(begin + length, s.chunks);
    i64 first = (i64)blockIdx.y * s.chunks;

    float decay = 1.f, value = 0.f;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = begin; i < end; i += AHEAD) {
            float sum[AHEAD], own[AHEAD];
#pragma unroll
            for (int k = 0; k < AHEAD; k++) {
                int at = min(i + k, end - 1);
                i64 chunk = first + (backward ? s.chunks - 1 - at : at);
                sum[k] = sum_dt[chunk * s.channels + channel];
                own[k] = ends[chunk * lanes + lane];
            }
#pragma unroll
            for (int k = 0; k < AHEAD; k++) {
                if (i + k >= end) break;
                float d = exp2_fast(rate * sum[k]);
                value = d * value + own[k];
                decay *= d;
                i64 chunk = first + (backward ? s.chunks - 1 - (i + k) : i + k);
                if (pass == 1 && inside) ends[chunk * lanes + lane] = value;
            }
        }
        if (pass == 1) break;
        decays[segment][column] = decay;
        values[segment][column] = value;
        __syncthreads();
        value = 0.f;
        for (int i = 0; i < segment; i++) value = decays[i][column] * value + values[i][column];
    }
}

// ---- gradients: a lane keeps four states of one channel ----------------------------------------------------------------
// STATES / 4 neighbouring lanes make a channel, 128 / STATES channels a warp. A block's warps are neighbouring channels of the
// same tokens, so that the sums over channels (dB, dC) leave the block once.

#define WARPS 4  // of a block
#define QUADS (STATES / 4)
#define WARP_CHANNELS (32 / QUADS)
#define KEPT (WARP_CHANNELS >= 8 ? 1 : 8 / WARP_CHANNELS)  // of a lane's 8 values (dB, dC), those it sums for the warp

extern "C" __global__ void __launch_bounds__(32 * WARPS) gradients(
    const Io* dy, const Io* u, const Dt* dt, const float* dt_bias, const float* A, const Io* B, const Io* C, const float* D,
    const float* ends, const float* handed, Io* du, Dt* ddt, float* dA, float* dB, float* dC, float* dD, float* dbias,
    Sizes s) {
    __shared__ float4 staged[2][2][BACK * STATES / 4];  // [turn][B, C]
#ifdef EMULATED
    float* shared = emulated_shared();
#else
    extern __shared__ float shared[];
#endif
    int warp = threadIdx.x / 32, lane = threadIdx.x & 31;
    int chunk = blockIdx.x, batch = blockIdx.z;
    int channel = (blockIdx.y * WARPS + warp) * WARP_CHANNELS + lane / QUADS;
    int n = (lane % QUADS) * 4;
    bool inside = channel < s.channels;
    if (!inside) channel = s.channels - 1;
    int first = chunk * s.steps, last = min(first + s.steps, s.length);
    int tiles = (last - first + BACK - 1) / BACK;
    i64 origin = (i64)batch * s.length;
    float* sums = shared;                                                     // [warp][token][dB's states, dC's states]
    float4* starts = (float4*)(shared + WARPS * BACK * 2 * STATES) + (i64)warp * (s.steps / BACK) * 32;  // [tile][lane]

    // Which of the 8 values end with this lane, after every lane has given halves away. With more than 8 channels in a warp
    // several lanes end with the same one, and the first of them stores it.
    int first_kept = 0, twin = lane / QUADS;
#pragma unroll
    for (int half = 4; half >= KEPT && half > 0; half /= 2) {
        first_kept += twin & 1 ? half : 0;
        twin /= 2;
    }
    bool keeps = twin == 0;
    float* own_sums = sums + warp * BACK * 2 * STATES + first_kept / 4 * STATES + n + first_kept % 4;

    float rate[4], h[4], g[4], dA_sum[4] = {0.f, 0.f, 0.f, 0.f}, dD_sum = 0.f, dbias_sum = 0.f;
    i64 before = (i64)batch * s.chunks + chunk - 1;
#pragma unroll
    for (int j = 0; j < 4; j++) {
        bool exists = n + j < s.states;
        rate[j] = exists ? A[(i64)channel * s.states + n + j] * LOG2E : 0.f;
        h[j] = exists && chunk > 0 ? ends[(before * s.states + n + j) * s.channels + channel] : 0.f;
        g[j] = exists && chunk < s.chunks - 1 ? handed[((before + 2) * s.states + n + j) * s.channels + channel] : 0.f;
        if (!inside) g[j] = 0.f;  // a channel that does not exist adds nothing to dB and dC
    }
    float bias = SOFTPLUS ? dt_bias[channel] : 0.f;
    float skip = D[channel];

    // Forward, keeping the state in front of every tile. Two buffers: one barrier a tile is enough.
    for (int tile = 0; tile < tiles - 1; tile++) {
        int t = first + tile * BACK;
        Io x[BACK];
        Dt raw[BACK];
        Rows<BACK> rows(origin, t, last, channel, s);
        rows.read(x, u);
        rows.read(raw, dt);
        float* sB = (float*)staged[tile & 1][0];
        stage<BACK, 32 * WARPS>(sB, B, origin, t, last, threadIdx.x, s);
        __syncthreads();
        starts[tile * 32 + lane] = make_float4(h[0], h[1], h[2], h[3]);
#pragma unroll
        for (int k = 0; k < BACK; k++) {
            float step = step_size(raw[k], bias), push = step * get(x[k]);
            float4 four = *(float4*)(sB + k * STATES + n);
            float b[4] = {four.x, four.y, four.z, four.w};
#pragma unroll
            for (int j = 0; j < 4; j++) h[j] = exp2_fast(step * rate[j]) * h[j] + push * b[j];
        }
    }
    starts[(tiles - 1) * 32 + lane] = make_float4(h[0], h[1], h[2], h[3]);
    __syncthreads();

    // Backward: a tile's states again, then its gradients from the last token to the first.
    for (int tile = tiles - 1; tile >= 0; tile--) {
        int t = first + tile * BACK;
        Io raw_x[BACK], raw_out[BACK];
        Dt raw[BACK];
        Rows<BACK> rows(origin, t, last, channel, s);
        rows.read(raw_x, u);
        rows.read(raw, dt);
        rows.read(raw_out, dy);
        float *sB = (float*)staged[0][0], *sC = (float*)staged[0][1];
        stage<BACK, 32 * WARPS>(sB, B, origin, t, last, threadIdx.x, s);
        stage<BACK, 32 * WARPS>(sC, C, origin, t, last, threadIdx.x, s);
        __syncthreads();

        float step[BACK], push[BACK], decay[BACK][4], state[BACK][4];
        float4 start = starts[tile * 32 + lane];
        float current[4] = {start.x, start.y, start.z, start.w};
#pragma unroll
        for (int k = 0; k < BACK; k++) {
            step[k] = step_size(raw[k], bias) * (t + k < last);
            push[k] = step[k] * get(raw_x[k]);
            float4 four = *(float4*)(sB + k * STATES + n);
            float b[4] = {four.x, four.y, four.z, four.w};
#pragma unroll
            for (int j = 0; j < 4; j++) {
                decay[k][j] = exp2_fast(step[k] * rate[j]);
                current[j] = decay[k][j] * current[j] + push[k] * b[j];
                state[k][j] = current[j];
            }
        }
#pragma unroll
        for (int k = BACK - 1; k >= 0; k--) {
            bool here = inside && t + k < last;
            float x = get(raw_x[k]), out = here ? get(raw_out[k]) : 0.f;
            float4 four_b = *(float4*)(sB + k * STATES + n), four_c = *(float4*)(sC + k * STATES + n);
            float b[4] = {four_b.x, four_b.y, four_b.z, four_b.w}, c[4] = {four_c.x, four_c.y, four_c.z, four_c.w};
            float fold[8], through_b = 0.f, through_decay = 0.f;
#pragma unroll
            for (int j = 0; j < 4; j++) {
                g[j] += c[j] * out;
                fold[j] = g[j] * push[k];         // dB
                fold[4 + j] = state[k][j] * out;  // dC
                through_b += g[j] * b[j];
                float decayed = state[k][j] - push[k] * b[j];  // what the state before has become
                float rest = g[j] * decayed;
                through_decay += rest * rate[j];
                dA_sum[j] += rest * step[k];
                g[j] *= decay[k][j];
            }
            float d_step = through_decay * LN2 + x * through_b;
            float d_u = step[k] * through_b;
            // Sums over the states: over the lanes of a channel.
#pragma unroll
            for (int stride = 1; stride < QUADS; stride *= 2) {
                d_u += __shfl_xor_sync(FULL, d_u, stride);
                d_step += __shfl_xor_sync(FULL, d_step, stride);
            }
            if (here && n == 0) {
                i64 at = rows.base + rows.offset[k];
                put(du + at, d_u + skip * out);
                dD_sum += out * x;
                float d_dt = d_step;
#if SOFTPLUS
                d_dt *= softplus_slope(step[k]);
                dbias_sum += d_dt;
#endif
                put(ddt + at, d_dt);
            }
            // Sums over the warp's channels. At each step a lane gives half of its values away and takes the other half.
            int width = 8;
#pragma unroll
            for (int stride = QUADS; stride < 32; stride *= 2) {
                if (width > 1) {
                    width /= 2;
                    bool upper = lane & stride;
#pragma unroll
                    for (int i = 0; i < 4; i++)
                        if (i < width) {
                            float given = upper ? fold[i] : fold[i + width];
                            float kept = upper ? fold[i + width] : fold[i];
                            fold[i] = kept + __shfl_xor_sync(FULL, given, stride);
                        }
                } else {
                    fold[0] += __shfl_xor_sync(FULL, fold[0], stride);
                }
            }
            if (keeps)
#pragma unroll
                for (int i = 0; i < KEPT; i++) own_sums[k * 2 * STATES + i] = fold[i];
        }
        __syncthreads();
        for (int i = threadIdx.x; i < BACK * 2 * STATES; i += 32 * WARPS) {
            int k = i / (2 * STATES), which = i / STATES % 2, m = i % STATES;
            if (t + k < last && m < s.states) {
                float total = 0.f;
#pragma unroll
                for (int w = 0; w < WARPS; w++) total += sums[w * BACK * 2 * STATES + i];
                i64 part = ((i64)blockIdx.y * s.batch * s.length + origin + t + k) * s.states + m;
                (which ? dC : dB)[part] = total;
            }
        }
    }

    i64 here = (i64)batch * s.chunks + chunk;
    if (inside) {
#pragma unroll
        for (int j = 0; j < 4; j++)
            if (n + j < s.states) dA[(here * s.states + n + j) * s.channels + channel] = dA_sum[j];
        if (n == 0) {
            dD[here * s.channels + channel] = dD_sum;
            if (SOFTPLUS) dbias[here * s.channels + channel] = dbias_sum;
        }
    }
}
