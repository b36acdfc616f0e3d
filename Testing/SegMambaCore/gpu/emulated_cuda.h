// Enough of CUDA to run SegMamba's kernels on a CPU: lanes take turns, each up to its next barrier; block after block. Slow, and blind
// to races between blocks.
#pragma once
#define EMULATED
#define EMULATED_MATRIX_UNITS "emulated_matrix_units.h"
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <algorithm>
#include <vector>

#include <ucontext.h>

#define __device__
#define __global__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __shared__ static
#define min std::min
#define max std::max

struct Dim3 { int x, y, z; };
struct float2 { float x, y; };
struct float4 { float x, y, z, w; };
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }

struct Lane {
    ucontext_t context;
    Dim3 index;
    bool ended;
};
inline std::vector<Lane> lanes;
inline Lane* lane_on_turn;
inline ucontext_t scheduler;
inline Dim3 blockIdx, blockDim, gridDim;
#define threadIdx (lane_on_turn->index)

struct Barrier {
    int expected, arrived = 0, passed = 0;
    void arrive_and_wait() {
        int before = passed;
        if (++arrived == expected) {
            arrived = 0;
            passed++;
        }
        while (passed == before) swapcontext(&lane_on_turn->context, &scheduler);
    }
};

struct Warp {
    Barrier barrier{32};
    float slots[32], tables[6][32];
    const char* rows[32];   // what ldmatrix is given
    unsigned words[32][6];  // what mma is given: four words of a, two of b
};
inline std::vector<Warp> warps_of_block;
inline Barrier barrier_of_block;
inline std::vector<float> shared_of_block;

inline float* emulated_shared() { return shared_of_block.data(); }
inline Warp& own_warp() { return warps_of_block[threadIdx.x / 32]; }
inline void __syncwarp() { own_warp().barrier.arrive_and_wait(); }
inline void __syncthreads() { barrier_of_block.arrive_and_wait(); }
inline float __shfl_xor_sync(unsigned, float value, int mask) {
    Warp& warp = own_warp();
    warp.slots[threadIdx.x & 31] = value;
    warp.barrier.arrive_and_wait();
    float received = warp.slots[(threadIdx.x & 31) ^ mask];
    warp.barrier.arrive_and_wait();
    return received;
}

inline float __uint_as_float(unsigned bits) { float f; std::memcpy(&f, &bits, 4); return f; }
inline unsigned __float_as_uint(float f) { unsigned bits; std::memcpy(&bits, &f, 4); return bits; }

// The tensor cores, as formats.cuh declares them: a row and a column of the product for each of a lane's four results.
inline float tensor_number(float x) { return __uint_as_float(__float_as_uint(x) & 0xffffe000u); }
inline float4 multiply_8(float a0, float a1, float a2, float a3, float b0, float b1, float4 c) {
    Warp& warp = own_warp();
    int lane = threadIdx.x & 31;
    float own[6] = {a0, a1, a2, a3, b0, b1};
    for (int i = 0; i < 6; i++) warp.tables[i][lane] = tensor_number(own[i]);
    warp.barrier.arrive_and_wait();
    float d[4] = {c.x, c.y, c.z, c.w};
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 8; k++) {
            int row = lane / 4, column = lane % 4 * 2 + i % 2;
            d[i] += warp.tables[i / 2 + k / 4 * 2][row * 4 + k % 4] * warp.tables[4 + k / 4][column * 4 + k % 4];
        }
    warp.barrier.arrive_and_wait();
    return {d[0], d[1], d[2], d[3]};
}

inline float half_to_float(unsigned short) { std::abort(); }  // no test asks for float16 here
inline unsigned short float_to_half(float) { std::abort(); }
inline float rsqrtf(float x) { return 1.f / std::sqrt(x); }
inline float exp2_fast(float x) { return std::exp2(x); }
inline float reciprocal_fast(float x) { return 1.f / x; }
inline float log2_fast(float x) { return std::log2(x); }

inline std::function<void()> body_of_lanes;
inline void run_lane() {
    body_of_lanes();
    lane_on_turn->ended = true;
    swapcontext(&lane_on_turn->context, &scheduler);
}

inline void emulate(int gx, int gy, int gz, int threads, int shared_bytes, std::function<void()> body) {
    static const size_t stack = 1 << 17;
    static std::vector<char> stacks;
    if (stacks.size() < threads * stack) stacks.resize(threads * stack);
    body_of_lanes = body;
    blockDim = {threads, 1, 1};
    gridDim = {gx, gy, gz};
    for (int z = 0; z < gz; z++)
        for (int y = 0; y < gy; y++)
            for (int x = 0; x < gx; x++) {
                blockIdx = {x, y, z};
                warps_of_block.assign(threads / 32, Warp());
                barrier_of_block = Barrier{threads};
                shared_of_block.assign(shared_bytes / 4 + 4, NAN);  // what is not written first shows
                lanes.assign(threads, Lane());
                for (int t = 0; t < threads; t++) {
                    lanes[t].index = {t, 0, 0};
                    getcontext(&lanes[t].context);
                    lanes[t].context.uc_stack.ss_sp = &stacks[t * stack];
                    lanes[t].context.uc_stack.ss_size = stack;
                    makecontext(&lanes[t].context, run_lane, 0);
                }
                for (bool running = true; running;) {
                    running = false;
                    for (Lane& lane : lanes)
                        if (!lane.ended) {
                            lane_on_turn = &lane;
                            swapcontext(&scheduler, &lane.context);
                            running = true;
                        }
                }
            }
}
