// Enough of CUDA to run SegMamba's kernels on a CPU: a thread a lane, block after block. Slow, and blind to races between blocks.
#pragma once
#define EMULATED
#include <barrier>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <algorithm>
#include <memory>
#include <thread>
#include <vector>

#define __device__
#define __global__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __shared__ static
#define min std::min
#define max std::max

struct Dim3 { int x, y, z; };
struct float4 { float x, y, z, w; };
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }

inline thread_local Dim3 threadIdx, blockIdx;
inline Dim3 blockDim;

struct Warp {
    std::barrier<> barrier{32};
    float slots[32];
    const char* rows[32];     // what ldmatrix is given
    unsigned words[32][6];    // what mma is given: four words of a, two of b
};
inline std::vector<std::unique_ptr<Warp>> warps_of_block;
inline std::unique_ptr<std::barrier<>> barrier_of_block;
inline std::vector<float> shared_of_block;

inline float* emulated_shared() { return shared_of_block.data(); }
inline Warp& own_warp() { return *warps_of_block[threadIdx.x / 32]; }
inline void __syncwarp() { own_warp().barrier.arrive_and_wait(); }
inline void __syncthreads() { barrier_of_block->arrive_and_wait(); }
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
inline float half_to_float(unsigned short) { std::abort(); }  // no test asks for float16 here
inline unsigned short float_to_half(float) { std::abort(); }
inline float rsqrtf(float x) { return 1.f / std::sqrt(x); }
inline float exp2_fast(float x) { return std::exp2(x); }
inline float log2_fast(float x) { return std::log2(x); }

template <class Body>
void emulate(int gx, int gy, int gz, int threads, int shared_bytes, Body body) {
    blockDim = {threads, 1, 1};
    for (int z = 0; z < gz; z++)
        for (int y = 0; y < gy; y++)
            for (int x = 0; x < gx; x++) {
                warps_of_block.clear();
                for (int w = 0; w < threads / 32; w++) warps_of_block.push_back(std::make_unique<Warp>());
                barrier_of_block = std::make_unique<std::barrier<>>(threads);
                shared_of_block.assign(shared_bytes / 4 + 4, NAN);  // what is not written first shows
                std::vector<std::thread> lanes;
                for (int t = 0; t < threads; t++)
                    lanes.emplace_back([=] {
                        threadIdx = {t, 0, 0};
                        blockIdx = {x, y, z};
                        body();
                    });
                for (auto& lane : lanes) lane.join();
            }
}
