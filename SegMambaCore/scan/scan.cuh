// What the kernels of scan.cu and scan_gradients.cu share.
//
// Given as macros: STATES, the registers a channel's states take (a power of two from 8 to 64, at least the number of
// states); IO (formats.cuh), the type of u, B, C, y; DT_IO, the type of dt likewise; SOFTPLUS, whether the step size is
// softplus(dt + dt_bias) instead of dt.
//
// Tensors: u, dt, y (batch, length, channels); B, C (batch, length, states); A (channels, states);
// ends, handed (batch, chunks, states, channels); sum_dt (batch, chunks, channels). The tokens of dt, B and C may lie apart, as
// parts of one projection do; everything else is contiguous. States are float32.
// Everything is summed in a fixed order: the same input gives the same bits.

#define TILE 8  // tokens whose B and C are staged at a time

struct Sizes {
    int batch, length, channels, states, chunks, steps;  // steps: tokens a chunk, a multiple of TILE
    int dt_row, bc_row;                                  // elements from a token to the next one, of dt, and of B and C
    int ddt_row, dbc_row;                                // the same of their gradients
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

// COUNT rows of B or C on their way into shared memory, as float32; zero beyond the last token and state. thread: among THREADS.
template <int COUNT, int THREADS>
struct Fetched {
    static const int ROUNDS = (COUNT * STATES + THREADS - 1) / THREADS;
    Io values[ROUNDS];
    __device__ __forceinline__ void fetch(const Io* rows, i64 origin, int t, int last, int thread, Sizes s) {
        const Io* first = rows + (origin + t) * s.bc_row;
#pragma unroll
        for (int round = 0; round < ROUNDS; round++) {
            int i = thread + round * THREADS, k = i / STATES, n = i % STATES;
            values[round] = first[min(k, last - 1 - t) * s.bc_row + min(n, s.states - 1)];
        }
    }
    __device__ __forceinline__ void store(float* staged, int t, int last, int thread, Sizes s) const {
#pragma unroll
        for (int round = 0; round < ROUNDS; round++) {
            int i = thread + round * THREADS, k = i / STATES, n = i % STATES;
            if (COUNT * STATES % THREADS && i >= COUNT * STATES) break;
            staged[i] = (t + k < last && n < s.states) ? get(values[round]) : 0.f;
        }
    }
};

template <int COUNT, int THREADS>
__device__ __forceinline__ void stage(float* staged, const Io* rows, i64 origin, int t, int last, int thread, Sizes s) {
    Fetched<COUNT, THREADS> fetched;
    fetched.fetch(rows, origin, t, last, thread, s);
    fetched.store(staged, t, last, thread, s);
}
