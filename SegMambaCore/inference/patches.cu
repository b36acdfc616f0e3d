// Patches of a volume into a batch, and the batch's outputs back, weighted and summed; cuda_patches.py launches the kernels.
//
// Several patches are of one place, each reflected in its own way. What has channels has them last, but for the sums. CHANNELS
// and OUTPUTS are macros; nothing is summed in an order that could change.

#define THREADS 256
#define MOST_JOBS 8

struct Jobs {
    i64 steps[4];           // in the batch's tensor from patch to patch, along D, H and W, in elements
    int patch[3], volume[3], origin[3];
    int count;
    int mirrors[MOST_JOBS];  // 1: along D, 2: H, 4: W
};

struct alignas((CHANNELS & (CHANNELS - 1)) ? sizeof(Io) : CHANNELS * sizeof(Io)) Voxel { Io v[CHANNELS]; };

// A thread's voxel of the patch.
struct Place {
    int at[3];
    bool outside;
    __device__ __forceinline__ Place(const Jobs& jobs) {
        int index = blockIdx.x * THREADS + threadIdx.x;
        at[2] = index % jobs.patch[2];
        at[1] = index / jobs.patch[2] % jobs.patch[1];
        at[0] = index / jobs.patch[2] / jobs.patch[1];
        outside = at[0] >= jobs.patch[0];
    }
    // Along an axis of a reflected patch.
    __device__ __forceinline__ int seen(const Jobs& jobs, int mirrors, int axis) const {
        return mirrors >> axis & 1 ? jobs.patch[axis] - 1 - at[axis] : at[axis];
    }
};

__device__ __forceinline__ i64 in_volume(const Jobs& jobs, int d, int h, int w) {
    return ((i64)(jobs.origin[0] + d) * jobs.volume[1] + jobs.origin[1] + h) * jobs.volume[2] + jobs.origin[2] + w;
}

extern "C" __global__ void __launch_bounds__(THREADS) write_patches(const Io* volume, Io* batch, Jobs jobs) {
    Place place(jobs);
    if (place.outside) return;
    int mirrors = jobs.mirrors[blockIdx.y];
    i64 from = in_volume(jobs, place.seen(jobs, mirrors, 0), place.seen(jobs, mirrors, 1), place.seen(jobs, mirrors, 2));
    i64 to = blockIdx.y * jobs.steps[0] + place.at[0] * jobs.steps[1] + place.at[1] * jobs.steps[2] + place.at[2] * jobs.steps[3];
    *(Voxel*)(batch + to) = *(const Voxel*)(volume + from * CHANNELS);
}

// weights: of the patch's voxels; a null pointer: 1. sums: (OUTPUTS, voxels of the volume).
extern "C" __global__ void __launch_bounds__(THREADS) add_outputs(const Io* outputs, const float* weights, float* sums, Jobs jobs) {
    Place place(jobs);
    if (place.outside) return;
    float total[OUTPUTS] = {};
    for (int job = 0; job < jobs.count; job++) {
        int mirrors = jobs.mirrors[job];
        i64 from = job * jobs.steps[0];
#pragma unroll
        for (int axis = 0; axis < 3; axis++) from += place.seen(jobs, mirrors, axis) * jobs.steps[axis + 1];
#pragma unroll
        for (int k = 0; k < OUTPUTS; k++) total[k] += get(outputs[from + k]);
    }
    float weight = weights ? weights[((i64)place.at[0] * jobs.patch[1] + place.at[1]) * jobs.patch[2] + place.at[2]] : 1.f;
    i64 to = in_volume(jobs, place.at[0], place.at[1], place.at[2]);
    i64 voxels = (i64)jobs.volume[0] * jobs.volume[1] * jobs.volume[2];
#pragma unroll
    for (int k = 0; k < OUTPUTS; k++) sums[k * voxels + to] += weight * total[k];
}
