// 3x3x3 convolutions with stride 1 and padding 1 on matrix units, and the gradient of their weights; cuda_conv3.py launches
// the kernels.
//
// Given as macros: IO (formats.cuh), float16 or bfloat16; WIDE, output channels a block computes: 16, 32 or 48.
//
// Tensors are (batch, D, H, W, channels), channels a multiple of 16. A block takes 8^3 voxels and their border of one voxel into
// shared memory, 16 channels at a time, and reads each of the 27 shifted tiles from there: an implicit matrix product
// reads its input 27 times from the cache instead, which is what bounds it where channels are few.
// Everything is summed in a fixed order in float32: the same input gives the same bits.

#define TILE 8
#define HALO (TILE + 2)
#define TILE_VOXELS (TILE * TILE * TILE)
#define HALO_VOXELS (HALO * HALO * HALO)
#define PLANE 16                // channels in shared memory at a time
#define ROW (PLANE * 2)         // bytes of a voxel, or of an output channel's weights, in a plane
#define THREADS 256             // a warp an axial plane of the tile
#define BLOCKS (WIDE / 16)      // of 16 output channels
#define OUT_PITCH (WIDE * 2 + 16)  // bytes from voxel to voxel of the result: 16 more, so that banks differ
#define GRADIENT_WARPS 9        // one for each (kd, kh)

struct Sizes {
    int batch, depth, height, width, in, out;  // in, out: channels
    int tiles_d, tiles_h, tiles_w;
    int splits;  // blocks that share the tiles
};

// ---- what the matrix units are fed with ----------------------------------------------------------------------------------

struct Fragment { unsigned r[4]; };

#ifdef EMULATED
#include "emulated_matrix_units.h"
#else
typedef unsigned Address;  // in shared memory
__device__ __forceinline__ Address address_of(const void* p) {
    Address a;
    asm("{ .reg .u64 t; cvta.to.shared.u64 t, %1; cvt.u32.u64 %0, t; }" : "=r"(a) : "l"(p));
    return a;
}
// 16 bytes from global to shared memory, or zeros.
__device__ __forceinline__ void copy16(void* to, const void* from, bool exists) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(address_of(to)), "l"(from), "r"(exists ? 16 : 0) : "memory");
}
__device__ __forceinline__ void wait_for_copies() { asm volatile("cp.async.wait_all;" ::: "memory"); }
// Four 8x8 matrices; lane 8 i + j names the 16 bytes of row j of matrix i.
__device__ __forceinline__ Fragment load4(Address row) {
    Fragment f;
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
        : "=r"(f.r[0]), "=r"(f.r[1]), "=r"(f.r[2]), "=r"(f.r[3]) : "r"(row) : "memory");
    return f;
}
__device__ __forceinline__ Fragment load4_transposed(Address row) {
    Fragment f;
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
        : "=r"(f.r[0]), "=r"(f.r[1]), "=r"(f.r[2]), "=r"(f.r[3]) : "r"(row) : "memory");
    return f;
}
// c += a b with a 16 x 16, b 16 x 8.
__device__ __forceinline__ void multiply_add(float* c, Fragment a, unsigned b0, unsigned b1) {
#if IO == 1
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
#else
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
#endif
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a.r[0]), "r"(a.r[1]), "r"(a.r[2]), "r"(a.r[3]), "r"(b0), "r"(b1));
}
#endif

// A row's 16-byte halves change places in every second group of four rows: eight rows beside each other touch all banks once.
__device__ __forceinline__ int half_at(int row, int half) { return (half ^ (row >> 2 & 1)) * 16; }

__device__ __forceinline__ int halo_at(int d, int h, int w, int half) {
    return ((d * HALO + h) * HALO + w) * ROW + half_at(w, half);
}

struct Tile {
    int batch, d, h, w;  // of its first voxel
};

__device__ __forceinline__ Tile tile_of(int number, Sizes s) {
    Tile t;
    t.w = number % s.tiles_w * TILE;
    t.h = number / s.tiles_w % s.tiles_h * TILE;
    t.d = number / (s.tiles_w * s.tiles_h) % s.tiles_d * TILE;
    t.batch = number / (s.tiles_w * s.tiles_h * s.tiles_d);
    return t;
}

__device__ __forceinline__ bool is_inside(int d, int h, int w, Sizes s) {
    return (unsigned)d < (unsigned)s.depth && (unsigned)h < (unsigned)s.height && (unsigned)w < (unsigned)s.width;
}

__device__ __forceinline__ i64 voxel_at(int batch, int d, int h, int w, Sizes s) {
    return (((i64)batch * s.depth + d) * s.height + h) * s.width + w;
}

// A plane of 16 channels of the tile and its border; zeros outside the volume.
template <int COUNT>
__device__ __forceinline__ void load_halo(char* halo, const Io* x, Tile t, int channel, Sizes s) {
    for (int i = threadIdx.x; i < HALO_VOXELS * 2; i += COUNT) {
        int half = i & 1, v = i >> 1;
        int w = v % HALO, h = v / HALO % HALO, d = v / (HALO * HALO);
        int vd = t.d + d - 1, vh = t.h + h - 1, vw = t.w + w - 1;
        bool inside = is_inside(vd, vh, vw, s);
        const Io* from = x + (inside ? voxel_at(t.batch, vd, vh, vw, s) * s.in : 0) + channel + half * 8;
        copy16(halo + v * ROW + half_at(w, half), from, inside);
    }
}

// Through shared memory, so that a voxel's channels leave together.
__device__ __forceinline__ void store_tile(
    char* buffer, const float (*sums)[2 * BLOCKS][4], const float* bias, Io* y, Tile t, int first_out, Sizes s) {
    int warp = threadIdx.x / 32, lane = threadIdx.x & 31;
    int g = lane >> 2, c = (lane & 3) * 2;
#pragma unroll
    for (int n = 0; n < 2 * BLOCKS; n++) {
        float b0 = bias ? bias[first_out + n * 8 + c] : 0.f, b1 = bias ? bias[first_out + n * 8 + c + 1] : 0.f;
#pragma unroll
        for (int m = 0; m < 4; m++) {
            Io* upper = (Io*)(buffer + ((warp * TILE + 2 * m) * TILE + g) * OUT_PITCH) + n * 8 + c;
            Io* lower = (Io*)((char*)upper + TILE * OUT_PITCH);
            put(upper, sums[m][n][0] + b0);
            put(upper + 1, sums[m][n][1] + b1);
            put(lower, sums[m][n][2] + b0);
            put(lower + 1, sums[m][n][3] + b1);
        }
    }
    __syncthreads();
    for (int i = threadIdx.x; i < TILE_VOXELS * 2 * BLOCKS; i += THREADS) {
        int v = i / (2 * BLOCKS), pack = i % (2 * BLOCKS);
        int w = t.w + v % TILE, h = t.h + v / TILE % TILE, d = t.d + v / (TILE * TILE);
        if (is_inside(d, h, w, s))
            *(Pack*)(y + voxel_at(t.batch, d, h, w, s) * s.out + first_out + pack * 8) = *(Pack*)(buffer + v * OUT_PITCH + pack * 16);
    }
}

// ---- y = convolution of x ------------------------------------------------------------------------------------------------
// weights: (in / 16, 27, out, 16). bias: (out) or null. Grid: blocks that share the tiles, out / WIDE.
// Two buffers in shared memory: while one plane is multiplied, the next is on its way.

#define KERNEL_BYTES (27 * WIDE * ROW)
#define STAGE_BYTES (HALO_VOXELS * ROW + KERNEL_BYTES)

// A plane of the tile, and of the weights: [tap][output channel][16 input channels].
__device__ __forceinline__ void load_stage(
    char* stage, const Io* x, const Io* weights, int tile, int plane, int first_out, Sizes s) {
    load_halo<THREADS>(stage, x, tile_of(tile, s), plane * PLANE, s);
    char* kernel = stage + HALO_VOXELS * ROW;
    for (int i = threadIdx.x; i < 27 * WIDE * 2; i += THREADS) {
        int half = i & 1, out = (i >> 1) % WIDE, tap = (i >> 1) / WIDE;
        const Io* from = weights + (((i64)plane * 27 + tap) * s.out + first_out + out) * PLANE + half * 8;
        copy16(kernel + (tap * WIDE + out) * ROW + half_at(out, half), from, true);
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, WIDE == 16 ? 2 : 1) convolve3(
    const Io* x, const Io* weights, const float* bias, Io* y, Sizes s) {
#ifdef EMULATED
    char* shared = (char*)emulated_shared();
#else
    extern __shared__ __align__(128) char shared[];
#endif
    int warp = threadIdx.x / 32, lane = threadIdx.x & 31;
    int first_out = blockIdx.y * WIDE;

    // Of 16 voxels (two rows of the tile) lanes 0 to 15 name the first 8 channels, lanes 16 to 31 the last.
    Address voxels[3];
#pragma unroll
    for (int kw = 0; kw < 3; kw++) voxels[kw] = address_of(shared) + halo_at(warp, lane >> 3 & 1, (lane & 7) + kw, lane >> 4);
    // Of 16 output channels: lanes 0 to 7 and 8 to 15 the halves of the first 8, lanes 16 to 31 those of the last.
    int row = (lane & 7) + (lane >> 4) * 8;
    Address rows = address_of(shared) + HALO_VOXELS * ROW + row * ROW + half_at(row, lane >> 3 & 1);

    float sums[4][2 * BLOCKS][4];
    int planes = s.in / PLANE, tiles = s.batch * s.tiles_d * s.tiles_h * s.tiles_w;
    int tile = blockIdx.x, plane = 0, turn = 0;
    if (tile < tiles) load_stage(shared, x, weights, tile, 0, first_out, s);
    while (tile < tiles) {
        int next_plane = plane + 1 < planes ? plane + 1 : 0, next_tile = next_plane ? tile : tile + s.splits;
        wait_for_copies();
        __syncthreads();  // from here on the other buffer is free
        if (next_tile < tiles)
            load_stage(shared + (turn ^ 1) * STAGE_BYTES, x, weights, next_tile, next_plane, first_out, s);
        if (plane == 0) {
#pragma unroll
            for (int i = 0; i < 4 * 2 * BLOCKS * 4; i++) (&sums[0][0][0])[i] = 0.f;
        }
        int offset = turn * STAGE_BYTES;
#pragma unroll 1
        for (int kd = 0; kd < 3; kd++) {
#pragma unroll
            for (int tap = 0; tap < 9; tap++) {
                Fragment b[BLOCKS];
#pragma unroll
                for (int n = 0; n < BLOCKS; n++) b[n] = load4(rows + offset + kd * 9 * WIDE * ROW + (tap * WIDE + n * 16) * ROW);
#pragma unroll
                for (int m = 0; m < 4; m++) {
                    Fragment a = load4(voxels[tap % 3] + offset + kd * HALO * HALO * ROW + (tap / 3 + 2 * m) * HALO * ROW);
#pragma unroll
                    for (int n = 0; n < BLOCKS; n++) {
                        multiply_add(sums[m][2 * n], a, b[n].r[0], b[n].r[1]);
                        multiply_add(sums[m][2 * n + 1], a, b[n].r[2], b[n].r[3]);
                    }
                }
            }
        }
        if (next_plane == 0) {
            __syncthreads();  // every warp is through with this buffer, which now takes the result
            store_tile(shared + offset, sums, bias, y, tile_of(tile, s), first_out, s);
        }
        tile = next_tile;
        plane = next_plane;
        turn ^= 1;
    }
}

// ---- the weights' gradient -----------------------------------------------------------------------------------------------
// dw[tap][out][in] = sum over voxels of dy[v][out] x[v + tap][in]. A block takes WIDE output and 16 input channels through its share
// of the tiles; a warp three taps, which lie beside each other along the width. partial: (splits, 27, out, in).
// Grid: splits, in / 16, out / WIDE.

#define GRADIENT_THREADS (32 * GRADIENT_WARPS)
#define GRADIENT_STAGE_BYTES (HALO_VOXELS * ROW + BLOCKS * TILE_VOXELS * ROW)

// A plane of x with its border, and of dy: [plane][voxel][16 output channels].
__device__ __forceinline__ void load_gradient_stage(
    char* stage, const Io* x, const Io* dy, int tile, int first_in, int first_out, Sizes s) {
    Tile t = tile_of(tile, s);
    load_halo<GRADIENT_THREADS>(stage, x, t, first_in, s);
    char* above = stage + HALO_VOXELS * ROW;
    for (int i = threadIdx.x; i < TILE_VOXELS * 2 * BLOCKS; i += GRADIENT_THREADS) {
        int pack = i % (2 * BLOCKS), v = i / (2 * BLOCKS);
        int w = v % TILE, vw = t.w + w, vh = t.h + v / TILE % TILE, vd = t.d + v / (TILE * TILE);
        bool inside = is_inside(vd, vh, vw, s);
        const Io* from = dy + (inside ? voxel_at(t.batch, vd, vh, vw, s) * s.out : 0) + first_out + pack * 8;
        copy16(above + ((pack >> 1) * TILE_VOXELS + v) * ROW + half_at(w, pack & 1), from, inside);
    }
}

extern "C" __global__ void __launch_bounds__(GRADIENT_THREADS, WIDE == 16 ? 2 : 1) weights_gradient(
    const Io* x, const Io* dy, float* partial, Sizes s) {
#ifdef EMULATED
    char* shared = (char*)emulated_shared();
#else
    extern __shared__ __align__(128) char shared[];
#endif
    int warp = threadIdx.x / 32, lane = threadIdx.x & 31;
    int first_in = blockIdx.y * PLANE, first_out = blockIdx.z * WIDE;
    int kd = warp / 3, kh = warp % 3;

    // Rows are voxels, and the matrices are transposed on their way. dy: lanes 8 to 15 name the last 8 channels, lanes 16 to 31
    // the second row of voxels. x: the other way round.
    Address rows = address_of(shared) + HALO_VOXELS * ROW + ((lane >> 4) * TILE + (lane & 7)) * ROW + half_at(lane & 7, lane >> 3 & 1);
    Address voxels[3];
#pragma unroll
    for (int kw = 0; kw < 3; kw++)
        voxels[kw] = address_of(shared) + halo_at(kd, kh + (lane >> 3 & 1), (lane & 7) + kw, lane >> 4);

    float sums[3][BLOCKS][2][4];
#pragma unroll
    for (int i = 0; i < 3 * BLOCKS * 8; i++) (&sums[0][0][0][0])[i] = 0.f;

    int tiles = s.batch * s.tiles_d * s.tiles_h * s.tiles_w, turn = 0;
    if (blockIdx.x < tiles) load_gradient_stage(shared, x, dy, blockIdx.x, first_in, first_out, s);
    for (int tile = blockIdx.x; tile < tiles; tile += s.splits) {
        wait_for_copies();
        __syncthreads();
        if (tile + s.splits < tiles)
            load_gradient_stage(shared + (turn ^ 1) * GRADIENT_STAGE_BYTES, x, dy, tile + s.splits, first_in, first_out, s);
        int offset = turn * GRADIENT_STAGE_BYTES;
#pragma unroll 1
        for (int d = 0; d < TILE; d++)
#pragma unroll
            for (int h = 0; h < TILE; h += 2) {
                Fragment a[BLOCKS];
#pragma unroll
                for (int n = 0; n < BLOCKS; n++)
                    a[n] = load4_transposed(rows + offset + d * TILE * TILE * ROW + (n * TILE_VOXELS + h * TILE) * ROW);
#pragma unroll
                for (int kw = 0; kw < 3; kw++) {
                    Fragment b = load4_transposed(voxels[kw] + offset + d * HALO * HALO * ROW + h * HALO * ROW);
#pragma unroll
                    for (int n = 0; n < BLOCKS; n++) {
                        multiply_add(sums[kw][n][0], a[n], b.r[0], b.r[1]);
                        multiply_add(sums[kw][n][1], a[n], b.r[2], b.r[3]);
                    }
                }
            }
        turn ^= 1;
    }

    int g = lane >> 2, c = (lane & 3) * 2;
#pragma unroll
    for (int kw = 0; kw < 3; kw++)
#pragma unroll
        for (int n = 0; n < BLOCKS; n++)
#pragma unroll
            for (int i = 0; i < 8; i++) {
                int out = first_out + n * 16 + g + (i >> 1 & 1) * 8, in = first_in + (i >> 2) * 8 + c + (i & 1);
                i64 at = (((i64)blockIdx.x * 27 + warp * 3 + kw) * s.out + out) * s.in + in;
                partial[at] = sums[kw][n][i >> 2][i & 3];
            }
}
