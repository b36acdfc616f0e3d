// The gradients of the selective scan; cuda_scan.py launches the kernels.
//
// A lane keeps PART states of one channel. Four neighbouring lanes have the same states of four channels: over those the tensor
// cores sum (dB, dC). QUADS such fours share the channels. What belongs to a token and a channel alone, the step size above all, a
// warp works out once, each lane for other tokens, and shares through memory.

#include "scan.cuh"

#define WARPS 4  // of a block: neighbouring channels of the same tokens, so that the sums over channels leave the block once
#define PART (STATES > 32 ? 8 : 4)  // so that at least two fours share the channels: STATES is 8 or more
#define QUADS (STATES / PART)
#define GROUPS (8 / QUADS)  // of four channels in a warp
#define WARP_CHANNELS (4 * GROUPS)
#define ITEMS (TILE * WARP_CHANNELS / 32)  // of a lane: pairs of a token and a channel in a tile

// ---- sums over four channels ------------------------------------------------------------------------------------------
// The tensor cores multiply numbers of 11 bits. For float32 tensors each is split into two of them, and the product of the two low
// parts left out. Where dB and dC are rounded to 11 bits or less anyway, so are g and the state beforehand; push for 8 bits alone.

__device__ __forceinline__ float high_part(float x) { return __uint_as_float(__float_as_uint(x) & 0xffffe000u); }
__device__ __forceinline__ float rounded(float x) { return __uint_as_float(__float_as_uint(x) + 0x1000u); }  // the lower bits do not count

// Of two states the sums of g push and of state dy over four lanes: (the one's, the other's) for the first state, then for the second;
// right in that lane of each four that `has_sums`. The factors, as `multiply_8` wants them: in fours of even number (push, 0), in the
// others (0, dy); two neighbouring fours have the same channels. So the columns of a product are, in turn, the one sum and the other.
__device__ __forceinline__ bool has_sums(int lane) { return lane % 4 == lane / 8; }

__device__ __forceinline__ float4 sum_over_four(const float* g, const float* state, float2 factors) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
    float push = factors.x + __shfl_xor_sync(FULL, factors.x, 4), dy = factors.y + __shfl_xor_sync(FULL, factors.y, 4);
    float sums[4] = {g[0] * push, state[0] * dy, g[1] * push, state[1] * dy};
#pragma unroll
    for (int i = 0; i < 4; i++) {
        sums[i] += __shfl_xor_sync(FULL, sums[i], 1);
        sums[i] += __shfl_xor_sync(FULL, sums[i], 2);
    }
    return make_float4(sums[0], sums[1], sums[2], sums[3]);
#else
    float4 sums = make_float4(0.f, 0.f, 0.f, 0.f);
    float values[4] = {g[0], g[1], state[0], state[1]}, low_push = factors.x - high_part(factors.x);
#pragma unroll
    for (int i = 0; i < 4; i++) values[i] = IO ? rounded(values[i]) : high_part(values[i]);
    if (IO == 2) factors.x = rounded(factors.x);
    if (IO == 1) sums = multiply_8(values[0], values[1], values[2], values[3], low_push, 0.f, sums);
    if (IO == 0) {
        float low_dy = factors.y - high_part(factors.y);
        sums = multiply_8(g[0] - values[0], g[1] - values[1], state[0] - values[2], state[1] - values[3], factors.x, factors.y, sums);
        sums = multiply_8(values[0], values[1], values[2], values[3], low_push, low_dy, sums);
    }
    return multiply_8(values[0], values[1], values[2], values[3], factors.x, factors.y, sums);
#endif
}

// ---- the kernel -------------------------------------------------------------------------------------------------------

__device__ __forceinline__ void read_part(float* out, const float* from) {
#pragma unroll
    for (int j = 0; j < PART; j += 4) {
        float4 four = *(const float4*)(from + j);
        out[j] = four.x, out[j + 1] = four.y, out[j + 2] = four.z, out[j + 3] = four.w;
    }
}

__device__ __forceinline__ void write_part(float* to, const float* values) {
#pragma unroll
    for (int j = 0; j < PART; j += 4)
        *(float4*)(to + j) = make_float4(values[j], values[j + 1], values[j + 2], values[j + 3]);
}

// What a thread reads of a tile, while the tile before it is computed: its own tokens and channel, and a share of B and C.
struct Loads {
    Io x[ITEMS], out[ITEMS];
    Dt dt[ITEMS];
    Fetched<TILE, 32 * WARPS> b, c;
    __device__ __forceinline__ void fetch_forward(
        const Io* u, const Dt* all_dt, const Io* B, i64 origin, int t, int last, int own, int own_token, Sizes s) {
#pragma unroll
        for (int i = 0; i < ITEMS; i++) {
            i64 token = origin + min(t + i * (32 / WARP_CHANNELS) + own_token, last - 1);
            x[i] = u[token * s.channels + own];
            dt[i] = all_dt[token * s.dt_row + own];
        }
        b.fetch(B, origin, t, last, threadIdx.x, s);
    }
    __device__ __forceinline__ void fetch(
        const Io* dy, const Io* u, const Dt* all_dt, const Io* B, const Io* C, i64 origin, int t, int last, int own, int own_token,
        Sizes s) {
        fetch_forward(u, all_dt, B, origin, t, last, own, own_token, s);
#pragma unroll
        for (int i = 0; i < ITEMS; i++) {
            i64 token = origin + min(t + i * (32 / WARP_CHANNELS) + own_token, last - 1);
            out[i] = dy[token * s.channels + own];
        }
        c.fetch(C, origin, t, last, threadIdx.x, s);
    }
};

// sums: of each chunk (batch, chunks, states + 2, channels), for A, then D, then dt_bias. dB, dC: written if one block has all
// channels; else parts (blocks, batch, length, 2 states) gets what belongs to each block's channels, for `add_parts`.
extern "C" __global__ void __launch_bounds__(32 * WARPS, STATES > 32 ? 2 : 4) gradients(
    const Io* dy, const Io* u, const Dt* dt, const float* dt_bias, const float* A, const Io* B, const Io* C, const float* D,
    const float* ends, const float* handed, Io* du, Dt* ddt, Io* dB, Io* dC, float* parts, float* sums, Sizes s) {
    __shared__ float4 staged[2][TILE * STATES / 4];
    __shared__ float4 factors[WARPS][TILE * WARP_CHANNELS];     // [token][channel]: push, 0, 0, dy
    __shared__ float2 steps[WARPS][TILE * WARP_CHANNELS];       // likewise: the step and x
    __shared__ float results[WARPS][TILE * 2 * WARP_CHANNELS];  // [token][through B, through the decay][channel]
#ifdef EMULATED
    float* shared = emulated_shared();
#else
    extern __shared__ float shared[];
#endif
    int warp = threadIdx.x / 32, lane = threadIdx.x & 31;
    int quad = lane / 4 % QUADS, group = lane / 4 / QUADS, column = group * 4 + lane % 4;
    int chunk = blockIdx.x, batch = blockIdx.z, n = quad * PART;
    int channel = (blockIdx.y * WARPS + warp) * WARP_CHANNELS + column;
    bool inside = channel < s.channels;
    if (!inside) channel = s.channels - 1;
    int first = chunk * s.steps, last = min(first + s.steps, s.length);
    int tiles = (last - first + TILE - 1) / TILE;
    i64 origin = (i64)batch * s.length;
    // Over channels: [warp][token][group][state][dB, dC]; in front of each tile: [warp][tile][lane][its states].
    float* folded = shared + (warp * TILE * GROUPS * STATES + group * STATES + n) * 2;
    float* starts = shared + WARPS * TILE * 2 * GROUPS * STATES + (warp * (s.steps / TILE) * 32 + lane) * PART;

    // The channel and the tokens whose items this lane works out.
    int own_column = lane % WARP_CHANNELS, own_token = lane / WARP_CHANNELS;
    int own = (blockIdx.y * WARPS + warp) * WARP_CHANNELS + own_column;
    bool own_inside = own < s.channels;
    if (!own_inside) own = s.channels - 1;
    float bias = SOFTPLUS ? dt_bias[own] : 0.f, skip = D[own], dD_sum = 0.f, dbias_sum = 0.f;

    float rate[PART], h[PART], g[PART], dA_sum[PART];
    i64 before = (i64)batch * s.chunks + chunk - 1;
#pragma unroll
    for (int j = 0; j < PART; j++) {
        bool exists = n + j < s.states;
        rate[j] = exists ? A[(i64)channel * s.states + n + j] * LOG2E : 0.f;
        h[j] = exists && chunk > 0 ? ends[(before * s.states + n + j) * s.channels + channel] : 0.f;
        g[j] = exists && chunk < s.chunks - 1 ? handed[((before + 2) * s.states + n + j) * s.channels + channel] : 0.f;
        if (!inside) g[j] = 0.f;  // a channel that does not exist adds nothing to dB and dC
        dA_sum[j] = 0.f;
    }

    // Forward, keeping the state in front of every tile. Two buffers: one barrier a tile is enough.
    Loads next;
    if (tiles > 1) next.fetch_forward(u, dt, B, origin, first, last, own, own_token, s);
    for (int tile = 0; tile < tiles - 1; tile++) {
        int t = first + tile * TILE;
        float* sB = (float*)staged[tile & 1];
        next.b.store(sB, t, last, threadIdx.x, s);
        __syncwarp();  // nobody reads the last tile's items any more
#pragma unroll
        for (int i = 0; i < ITEMS; i++) {
            float step = step_size(next.dt[i], bias);
            steps[warp][i * 32 + lane] = make_float2(step, step * get(next.x[i]));  // here: the step and its push
        }
        if (tile < tiles - 2) next.fetch_forward(u, dt, B, origin, t + TILE, last, own, own_token, s);
        __syncthreads();
        write_part(starts + tile * 32 * PART, h);
#pragma unroll
        for (int k = 0; k < TILE; k++) {
            float2 item = steps[warp][k * WARP_CHANNELS + column];
            float b[PART];
            read_part(b, sB + k * STATES + n);
#pragma unroll
            for (int j = 0; j < PART; j++) h[j] = exp2_fast(item.x * rate[j]) * h[j] + item.y * b[j];
        }
    }

    write_part(starts + (tiles - 1) * 32 * PART, h);

    // Backward: a tile's states again, then its gradients from the last token to the first.
    float *sB = (float*)staged[0], *sC = (float*)staged[1];
    next.fetch(dy, u, dt, B, C, origin, first + (tiles - 1) * TILE, last, own, own_token, s);
    __syncthreads();
    for (int tile = tiles - 1; tile >= 0; tile--) {
        int t = first + tile * TILE;
        next.b.store(sB, t, last, threadIdx.x, s);
        next.c.store(sC, t, last, threadIdx.x, s);
        __syncwarp();
#pragma unroll
        for (int i = 0; i < ITEMS; i++) {
            bool here = t + i * (32 / WARP_CHANNELS) + own_token < last;
            float step = here ? step_size(next.dt[i], bias) : 0.f, push = step * get(next.x[i]);
            float pull = here && own_inside ? get(next.out[i]) : 0.f;
            factors[warp][i * 32 + lane] = make_float4(push, 0.f, 0.f, pull);
            steps[warp][i * 32 + lane] = make_float2(step, get(next.x[i]));
        }
        if (tile > 0) next.fetch(dy, u, dt, B, C, origin, t - TILE, last, own, own_token, s);
        __syncthreads();

        float decay[TILE][PART], state[TILE][PART], start[PART];
        read_part(start, starts + tile * 32 * PART);
#pragma unroll
        for (int k = 0; k < TILE; k++) {
            float step = steps[warp][k * WARP_CHANNELS + column].x, push = factors[warp][k * WARP_CHANNELS + column].x;
            float b[PART];
            read_part(b, sB + k * STATES + n);
#pragma unroll
            for (int j = 0; j < PART; j++) {
                decay[k][j] = exp2_fast(step * rate[j]);
                state[k][j] = decay[k][j] * (k ? state[k - 1][j] : start[j]) + push * b[j];
            }
        }
#pragma unroll
        for (int k = TILE - 1; k >= 0; k--) {
            const float* factor = (const float*)&factors[warp][k * WARP_CHANNELS + column];
            float2 of_lane = *(const float2*)(factor + lane / 4 % 2 * 2);
            float out = factor[3], step = steps[warp][k * WARP_CHANNELS + column].x;
            float b[PART], c[PART], through[2] = {0.f, 0.f};  // through B and through the decay
            read_part(b, sB + k * STATES + n);
            read_part(c, sC + k * STATES + n);
#pragma unroll
            for (int j = 0; j < PART; j++) g[j] += c[j] * out;
            float4 over_channels[PART / 2];
#pragma unroll
            for (int j = 0; j < PART; j += 2) over_channels[j / 2] = sum_over_four(g + j, state[k] + j, of_lane);
#pragma unroll
            for (int j = 0; j < PART; j++) {
                through[0] += g[j] * b[j];
                g[j] *= decay[k][j];
                float rest = g[j] * (k ? state[k - 1][j] : start[j]);
                through[1] += rest * rate[j];
                dA_sum[j] += rest * step;
            }
            if (has_sums(lane))
#pragma unroll
                for (int j = 0; j < PART / 2; j++) ((float4*)(folded + k * GROUPS * STATES * 2))[j] = over_channels[j];
            // Sums over the states: over the quads of a channel. Two neighbours swap, and each goes on with one of the two sums.
            float* result = results[warp] + k * 2 * WARP_CHANNELS + column;
            bool second = quad & 1;
            float total = second ? through[1] : through[0];
            total += __shfl_xor_sync(FULL, second ? through[0] : through[1], 4);
#pragma unroll
            for (int stride = 2; stride < QUADS; stride *= 2) total += __shfl_xor_sync(FULL, total, 4 * stride);
            if (quad < 2) result[quad * WARP_CHANNELS] = total;
        }
        __syncthreads();

#pragma unroll
        for (int i = 0; i < ITEMS; i++) {
            int k = i * (32 / WARP_CHANNELS) + own_token;
            const float* result = results[warp] + k * 2 * WARP_CHANNELS + own_column;
            float2 step_x = steps[warp][i * 32 + lane];
            float step = step_x.x, x = step_x.y, out = factors[warp][i * 32 + lane].w;
            float d_u = step * result[0] + skip * out, d_dt = result[WARP_CHANNELS] * LN2 + x * result[0];
            if (SOFTPLUS) d_dt *= softplus_slope(step);
            if (own_inside && t + k < last) {
                dD_sum += out * x;
                dbias_sum += d_dt;
                put(du + (origin + t + k) * s.channels + own, d_u);
                put(ddt + (origin + t + k) * s.ddt_row + own, d_dt);
            }
        }
        // The block's sums over channels.
#pragma unroll
        for (int round = 0; round < (TILE * STATES + 32 * WARPS - 1) / (32 * WARPS); round++) {
            int i = threadIdx.x + round * 32 * WARPS, k = i / STATES, n = i % STATES;
            if (TILE * STATES % (32 * WARPS) && i >= TILE * STATES) break;
            const float2* at = (const float2*)shared + k * GROUPS * STATES + n;
            float of_b = 0.f, of_c = 0.f;
#pragma unroll
            for (int w = 0; w < WARPS; w++)
#pragma unroll
                for (int other = 0; other < GROUPS; other++) {
                    float2 one = at[w * TILE * GROUPS * STATES + other * STATES];
                    of_b += one.x;
                    of_c += one.y;
                }
            if (t + k >= last || n >= s.states) continue;
            i64 token = origin + t + k;
            if (parts) {
                float* part = parts + ((i64)blockIdx.y * s.batch * s.length + token) * 2 * s.states + n;
                part[0] = of_b;
                part[s.states] = of_c;
            } else {
                put(dB + token * s.dbc_row + n, of_b);
                put(dC + token * s.dbc_row + n, of_c);
            }
        }
    }

    float* own_sums = sums + ((i64)batch * s.chunks + chunk) * (s.states + 2) * s.channels;
    if (inside)
#pragma unroll
        for (int j = 0; j < PART; j++)
            if (n + j < s.states) own_sums[(n + j) * s.channels + channel] = dA_sum[j];
#pragma unroll
    for (int stride = WARP_CHANNELS; stride < 32; stride *= 2) {
        dD_sum += __shfl_xor_sync(FULL, dD_sum, stride);
        dbias_sum += __shfl_xor_sync(FULL, dbias_sum, stride);
    }
    if (own_inside && own_token == 0) {
        own_sums[s.states * s.channels + own] = dD_sum;
        own_sums[(s.states + 1) * s.channels + own] = dbias_sum;
    }
}

// dB and dC from the sums of each block, two values a thread.
extern "C" __global__ void __launch_bounds__(256) add_parts(const float* parts, Io* dB, Io* dC, int blocks, Sizes s) {
    i64 values = (i64)s.batch * s.length * 2 * s.states, i = ((i64)blockIdx.x * 256 + threadIdx.x) * 2;
    if (i >= values) return;
    float2 total = make_float2(0.f, 0.f);
#pragma unroll 4
    for (int block = 0; block < blocks; block++) {
        float2 two = *(const float2*)(parts + block * values + i);
        total.x += two.x;
        total.y += two.y;
    }
    i64 token = i / (2 * s.states);
#pragma unroll
    for (int j = 0; j < 2; j++) {
        int m = (int)(i - token * 2 * s.states) + j;
        put((m < s.states ? dB + m : dC + m - s.states) + token * s.dbc_row, j ? total.y : total.x);
    }
}

// dA (channels, states), dD and dt_bias' gradient (channels) from the sums of each chunk: 8 values and 32 shares of the chunks a block.
extern "C" __global__ void __launch_bounds__(256) add_chunks(const float* sums, float* dA, float* dD, float* dbias, Sizes s) {
    __shared__ float shared[32][8];
    i64 lanes = (i64)(s.states + 2) * s.channels, lane = (i64)blockIdx.x * 8 + threadIdx.x % 8;
    int share = threadIdx.x / 8, chunks = s.batch * s.chunks;
    float total = 0.f;
#pragma unroll 4
    for (int chunk = share; chunk < chunks; chunk += 32) total += sums[chunk * lanes + (lane < lanes ? lane : lanes - 1)];
    shared[share][threadIdx.x % 8] = total;
    __syncthreads();
    if (share > 0 || lane >= lanes) return;
    total = 0.f;
    for (int i = 0; i < 32; i++) total += shared[i][threadIdx.x];
    int n = (int)(lane / s.channels), channel = (int)(lane % s.channels);
    if (n < s.states)
        dA[(i64)channel * s.states + n] = total;
    else if (n == s.states)
        dD[channel] = total;
    else if (dbias)
        dbias[channel] = total;
}
