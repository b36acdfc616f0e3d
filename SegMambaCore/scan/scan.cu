// The selective scan, and what its gradients need beforehand, compiled at run time (nvrtc.py); cuda_scan.py launches the kernels.

#include "scan.cuh"

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

// Where the tokens of a tile lie, `row` elements apart, from its first one on; past the last token, that one again.
template <int COUNT>
struct Rows {
    int offset[COUNT];
    i64 base;
    __device__ __forceinline__ Rows(i64 origin, int t, int last, int channel, int row) {
        base = (origin + t) * row + channel;
#pragma unroll
        for (int k = 0; k < COUNT; k++) offset[k] = min(k, last - 1 - t) * row;
    }
    template <class T>
    __device__ __forceinline__ void read(T* out, const T* tensor) const {
        const T* first = tensor + base;
#pragma unroll
        for (int k = 0; k < COUNT; k++) out[k] = first[offset[k]];
    }
};

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
        Rows<TILE> rows(origin, t, p.last, p.channel, s.channels), dt_rows(origin, t, p.last, p.channel, s.dt_row);
        rows.read(x, u);
        dt_rows.read(raw, dt);
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
        Rows<TILE> rows(origin, t, p.last, p.channel, s.channels), dt_rows(origin, t, p.last, p.channel, s.dt_row);
        rows.read(x, u);
        dt_rows.read(raw, dt);
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
        Rows<TILE> rows(origin, t, p.last, p.channel, s.channels), dt_rows(origin, t, p.last, p.channel, s.dt_row);
        rows.read(out, dy);
        dt_rows.read(raw, dt);
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

#define COLUMNS 16   // states and channels of a block
#define SEGMENTS 64  // of the chunks, beside each other
#define AHEAD 8      // chunks whose loads are under way at a time

extern "C" __global__ void __launch_bounds__(COLUMNS * SEGMENTS) link_chunks(
    float* ends, const float* sum_dt, const float* A, int backward, Sizes s) {
    __shared__ float decays[SEGMENTS][COLUMNS], values[SEGMENTS][COLUMNS];
    int segment = threadIdx.x / COLUMNS, column = threadIdx.x % COLUMNS;
    i64 lanes = (i64)s.states * s.channels;
    i64 lane = (i64)blockIdx.x * COLUMNS + column;  // = n * channels + channel
    bool inside = lane < lanes;
    if (!inside) lane = lanes - 1;
    int channel = (int)(lane % s.channels);
    float rate = A[(i64)channel * s.states + lane / s.channels] * LOG2E;
    int length = (s.chunks + SEGMENTS - 1) / SEGMENTS;
    int begin = min(segment * length, s.chunks), count = min(length, s.chunks - begin);
    // From the segment's first chunk in the order of time, or from its last one against it.
    i64 first = (i64)blockIdx.y * s.chunks + (backward ? s.chunks - 1 - begin : begin);
    i64 step = backward ? -lanes : lanes, sum_step = backward ? -s.channels : s.channels;
    float* own_ends = ends + first * lanes + lane;
    const float* own_sums = sum_dt + first * s.channels + channel;

    float decay = 1.f, value = 0.f;
    for (int pass = 0; pass < 2; pass++) {
        float* at = own_ends;
        const float* at_sum = own_sums;
        for (int i = 0; i < count; i += AHEAD) {
            float sum[AHEAD], own[AHEAD];
#pragma unroll
            for (int k = 0; k < AHEAD; k++) {
                bool exists = i + k < count;
                sum[k] = exists ? at_sum[k * sum_step] : 0.f;
                own[k] = exists ? at[k * step] : 0.f;
            }
#pragma unroll
            for (int k = 0; k < AHEAD; k++) {
                float d = exp2_fast(rate * sum[k]);
                value = d * value + own[k];
                decay *= d;
                if (pass == 1 && inside && i + k < count) at[k * step] = value;
            }
            at += AHEAD * step;
            at_sum += AHEAD * sum_step;
        }
        if (pass == 1) break;
        decays[segment][column] = decay;
        values[segment][column] = value;
        __syncthreads();
        value = 0.f;
        for (int i = 0; i < segment; i++) value = decays[i][column] * value + values[i][column];
    }
}
