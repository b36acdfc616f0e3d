// 3x3x3 convolutions with stride 1 and padding 1 on matrix units, and the gradient of their weights; cuda_conv3.py launches
// the kernels.
//
// Given as macros: IO (formats.cuh), float16 or bfloat16; WIDE, output channels a block computes: 16, 32 or 48; HOPPER, whether
// four warps multiply together straight from shared memory (wgmma), for a WIDE of 48.
//
// Tensors are (batch, D, H, W, channels), channels a multiple of 16. A block takes 8^3 voxels and their border of one voxel into
// shared memory, 16 channels at a time, and reads each of the 27 shifted tiles from there: an implicit matrix product
// reads its input 27 times from the cache instead, which is what bounds it where channels are few.
// Everything is summed in a fixed order in float32: the same input gives the same bits.
//
// In shared memory 8 channels lie together (16 bytes), then the voxels, then the other 8 channels: [half][voxel][8]. So the 8 rows
// of a matrix that the units are fed with, voxels along the width, are 128 bytes in a row, wherever they begin.

#define TILE 8
#define HALO (TILE + 2)
#define TILE_VOXELS (TILE * TILE * TILE)
#define HALO_VOXELS (HALO * HALO * HALO)
#define PLANE 16           // channels in shared memory at a time
#define HALF 16            // bytes of 8 channels of a voxel
#define HALO_HALF (HALO_VOXELS * HALF + 64)  // bytes to the other 8 channels: 64 more, so that both are written at once
#define HALO_BYTES (2 * HALO_HALF)
#define TAP_BYTES (2 * WIDE * HALF)  // of the weights: [half][output channel][8 input channels]
#define THREADS 256
#define BLOCKS (WIDE / 16)           // of 16 output channels
#define OUT_PITCH (WIDE * 2 + 16)    // bytes from voxel to voxel of the result: 16 more, so that banks differ
#define GRADIENT_WARPS 9             // one for each (kd, kh)

struct Sizes {
    int batch, depth, height, width, in, out;  // in, out: channels
    int tiles_d, tiles_h, tiles_w;
    int splits;  // blocks that share the tiles
};

// ---- what the matrix units are fed with ----------------------------------------------------------------------------------

struct Fragment { unsigned r[4]; };

#ifdef EMULATED
#include EMULATED_MATRIX_UNITS
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
// For the units to read from shared memory by themselves: matrices of 8 rows and 16 bytes, `lead` bytes apart along the 16 channels,
// `stride` bytes along the rows.
typedef unsigned long long Operand;
__device__ __forceinline__ Operand operand(Address first, int lead, int stride) {
    return (first & 0x3ffff) >> 4 | (Operand)(lead >> 4) << 16 | (Operand)(stride >> 4) << 32;
}
__device__ __forceinline__ Operand moved(Operand o, int bytes) { return o + (bytes >> 4); }
#if HOPPER
#if IO == 1
#define TYPES ".f32.f16.f16 "
#else
#define TYPES ".f32.bf16.bf16 "
#endif
#define FOUR(c, i) "+f"(c[i]), "+f"(c[i + 1]), "+f"(c[i + 2]), "+f"(c[i + 3])
// c += a b with a 64 x 16, b 16 x 48, by four warps together; it goes on while they do other things.
__device__ __forceinline__ void multiply_add_together(float* c, Operand a, Operand b) {
    asm volatile("{ .reg .pred p; setp.ne.b32 p, %26, 0; wgmma.mma_async.sync.aligned.m64n48k16" TYPES
        "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23}, %24, %25, p, 1, 1, 0, 0; }"
        : FOUR(c, 0), FOUR(c, 4), FOUR(c, 8), FOUR(c, 12), FOUR(c, 16), FOUR(c, 20) : "l"(a), "l"(b), "r"(1));
}
__device__ __forceinline__ void begin_together() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ __forceinline__ void end_together() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
__device__ __forceinline__ void wait_together() { asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory"); }
// What was copied is there for them too.
__device__ __forceinline__ void show_copies() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }
#endif
#endif

__device__ __forceinline__ int halo_at(int d, int h, int w, int half) {
    return ((d * HALO + h) * HALO + w) * HALF + half * HALO_HALF;
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
        int vw = t.w + v % HALO - 1, vh = t.h + v / HALO % HALO - 1, vd = t.d + v / (HALO * HALO) - 1;
        bool inside = is_inside(vd, vh, vw, s);
        const Io* from = x + (inside ? voxel_at(t.batch, vd, vh, vw, s) * s.in : 0) + channel + half * 8;
        copy16(halo + v * HALF + half * HALO_HALF, from, inside);
    }
}

// ---- y = convolution of x ------------------------------------------------------------------------------------------------
// weights: (in / 16, 27, 2, out, 8). bias: (out) or null. Grid: blocks that share the tiles, out / WIDE.
// Two buffers in shared memory: while one plane is multiplied, the next is on its way.

#define STAGE_BYTES (HALO_BYTES + 27 * TAP_BYTES)

// A plane of the tile, and of the weights.
__device__ __forceinline__ void load_stage(
    char* stage, const Io* x, const Io* weights, int tile, int plane, int first_out, Sizes s) {
    load_halo<THREADS>(stage, x, tile_of(tile, s), plane * PLANE, s);
    for (int i = threadIdx.x; i < 27 * 2 * WIDE; i += THREADS) {
        int out = i % WIDE, half_of_tap = i / WIDE;
        const Io* from = weights + (((i64)plane * 54 + half_of_tap) * s.out + first_out + out) * 8;
        copy16(stage + HALO_BYTES + i * HALF, from, true);
    }
}

// The sums of a warp: 4 times 16 voxels, two rows of the tile, and all output channels.
typedef float Sums[4][2 * BLOCKS][4];

// The row of the tile where the m-th 16 voxels of a warp begin.
__device__ __forceinline__ int row_of_sums(int warp, int m) {
    return HOPPER ? (warp / 4 * 4 + m) * TILE + warp % 4 * 2 : warp * TILE + 2 * m;
}

#if HOPPER
// 64 voxels, an axial plane of the tile, are one matrix of four warps.
__device__ __forceinline__ void multiply_stage(Sums& sums, const char* stage) {
    int first = threadIdx.x / 128 * 4;
    Operand a = operand(address_of(stage) + halo_at(first, 0, 0, 0), HALO_HALF, HALO * HALF);
    Operand b = operand(address_of(stage) + HALO_BYTES, WIDE * HALF, 8 * HALF);
    begin_together();
#pragma unroll
    for (int tap = 0; tap < 27; tap++)
#pragma unroll
        for (int m = 0; m < 4; m++)
            multiply_add_together(
                &sums[m][0][0], moved(a, halo_at(tap / 9 + m, tap / 3 % 3, tap % 3, 0)), moved(b, tap * TAP_BYTES));
    end_together();
}
#else
__device__ __forceinline__ void multiply_stage(Sums& sums, const char* stage) {
    int warp = threadIdx.x / 32, lane = threadIdx.x & 31;
    // Of 16 voxels lanes 0 to 15 name the first 8 channels, lanes 16 to 31 the last.
    Address voxels = address_of(stage) + halo_at(warp, lane >> 3 & 1, lane & 7, lane >> 4);
    // Of 16 output channels: lanes 0 to 7 and 8 to 15 the halves of the first 8, lanes 16 to 31 those of the last.
    Address rows = address_of(stage) + HALO_BYTES + (lane >> 3 & 1) * WIDE * HALF + ((lane & 7) + (lane >> 4) * 8) * HALF;
#pragma unroll 1
    for (int kd = 0; kd < 3; kd++)
#pragma unroll
        for (int tap = 0; tap < 9; tap++) {
            Fragment b[BLOCKS];
#pragma unroll
            for (int n = 0; n < BLOCKS; n++) b[n] = load4(rows + kd * 9 * TAP_BYTES + tap * TAP_BYTES + n * 16 * HALF);
#pragma unroll
            for (int m = 0; m < 4; m++) {
                Fragment a = load4(voxels + kd * HALO * HALO * HALF + halo_at(0, tap / 3 + 2 * m, tap % 3, 0));
#pragma unroll
                for (int n = 0; n < BLOCKS; n++) {
                    multiply_add(sums[m][2 * n], a, b[n].r[0], b[n].r[1]);
                    multiply_add(sums[m][2 * n + 1], a, b[n].r[2], b[n].r[3]);
                }
            }
        }
}
#endif

// Through shared memory, so that a voxel's channels leave together.
__device__ __forceinline__ void store_tile(
    char* buffer, const Sums& sums, const float* bias, Io* y, Tile t, int first_out, Sizes s) {
    int warp = threadIdx.x / 32, lane = threadIdx.x & 31;
    int g = lane >> 2, c = (lane & 3) * 2;
#pragma unroll
    for (int n = 0; n < 2 * BLOCKS; n++) {
        float b0 = bias ? bias[first_out + n * 8 + c] : 0.f, b1 = bias ? bias[first_out + n * 8 + c + 1] : 0.f;
#pragma unroll
        for (int m = 0; m < 4; m++) {
            Io* upper = (Io*)(buffer + (row_of_sums(warp, m) * TILE + g) * OUT_PITCH) + n * 8 + c;
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

extern "C" __global__ void __launch_bounds__(THREADS, WIDE == 16 ? 2 : 1) convolve3(
    const Io* x, const Io* weights, const float* bias, Io* y, Sizes s) {
#ifdef EMULATED
    char* shared = (char*)emulated_shared();
#else
    extern __shared__ __align__(128) char shared[];
#endif
    int first_out = blockIdx.y * WIDE;
    Sums sums;
    int planes = s.in / PLANE, tiles = s.batch * s.tiles_d * s.tiles_h * s.tiles_w;
    int tile = blockIdx.x, plane = 0, turn = 0;
    if (tile < tiles) load_stage(shared, x, weights, tile, 0, first_out, s);
    while (tile < tiles) {
        int next_plane = plane + 1 < planes ? plane + 1 : 0, next_tile = next_plane ? tile : tile + s.splits;
        char *stage = shared + turn * STAGE_BYTES, *other = shared + (turn ^ 1) * STAGE_BYTES;
        if (plane == 0) {
#pragma unroll
            for (int i = 0; i < 4 * 2 * BLOCKS * 4; i++) (&sums[0][0][0])[i] = 0.f;
        }
        wait_for_copies();
#if HOPPER
        show_copies();
#endif
        __syncthreads();  // from here on the other buffer is free
#if HOPPER
        multiply_stage(sums, stage);
        if (next_tile < tiles) load_stage(other, x, weights, next_tile, next_plane, first_out, s);
        wait_together();
#else
        if (next_tile < tiles) load_stage(other, x, weights, next_tile, next_plane, first_out, s);
        multiply_stage(sums, stage);
#endif
        if (next_plane == 0) {
            __syncthreads();  // every warp is through with this buffer, which now takes the result
            store_tile(stage, sums, bias, y, tile_of(tile, s), first_out, s);
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
#define ABOVE_HALF (TILE_VOXELS * HALF + 64)
#define GRADIENT_STAGE_BYTES (HALO_BYTES + 2 * BLOCKS * ABOVE_HALF)

// A plane of x with its border, and dy: [half][voxel][8 output channels], as many halves as output channels make.
__device__ __forceinline__ void load_gradient_stage(
    char* stage, const Io* x, const Io* dy, int tile, int first_in, int first_out, Sizes s) {
    Tile t = tile_of(tile, s);
    load_halo<GRADIENT_THREADS>(stage, x, t, first_in, s);
    for (int i = threadIdx.x; i < TILE_VOXELS * 2 * BLOCKS; i += GRADIENT_THREADS) {
        int pack = i % (2 * BLOCKS), v = i / (2 * BLOCKS);
        int vw = t.w + v % TILE, vh = t.h + v / TILE % TILE, vd = t.d + v / (TILE * TILE);
        bool inside = is_inside(vd, vh, vw, s);
        const Io* from = dy + (inside ? voxel_at(t.batch, vd, vh, vw, s) * s.out : 0) + first_out + pack * 8;
        copy16(stage + HALO_BYTES + pack * ABOVE_HALF + v * HALF, from, inside);
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
    Address rows = address_of(shared) + HALO_BYTES + (lane >> 3 & 1) * ABOVE_HALF + ((lane >> 4) * TILE + (lane & 7)) * HALF;
    Address voxels = address_of(shared) + halo_at(kd, kh + (lane >> 3 & 1), lane & 7, lane >> 4);

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
                    a[n] = load4_transposed(rows + offset + d * TILE * TILE * HALF + n * 2 * ABOVE_HALF + h * TILE * HALF);
#pragma unroll
                for (int kw = 0; kw < 3; kw++) {
                    Fragment b = load4_transposed(voxels + offset + d * HALO * HALO * HALF + halo_at(0, h, kw, 0));
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
