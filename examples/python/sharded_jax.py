# Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

"""A sequence on several devices: each has a part of the queries and keys, and takes the keys that its windows reach
back to, the halo, from the device before it.

    python sharded_jax.py [--devices=4] [--length=1024] [--halo=128]

Without as many devices, virtual ones of the CPU do. Prints how far the result is from that of one device. Where the
shards and the halo are multiples of the kernel's key tile, it is the same bits.
"""

import argparse
import functools
import os


def sharded_attention(query, keys, values, windows, mesh, axis="sequence", halo=None, **attributes):
    """Causal attention over a sequence that `mesh` cuts along `axis`: a collective permute of the halo, and one call on
    each device. positions say where a shard stands; key_range says that nothing is before the sequence, so the empty
    halo of the first shard is not seen.

    halo: how many keys are taken from the device before; at least max(windows) - 1, at most a shard.
    """
    import jax
    import jax.numpy as jnp
    from jax.sharding import PartitionSpec

    import simplexir.jax

    length, count = query.shape[1], mesh.shape[axis]
    shard, need = length // count, max(windows) - 1
    halo = need if halo is None else halo
    if 0 in windows:
        raise ValueError("an unlimited window (0) reaches over all shards; expected limited ones")
    if length % count:
        raise ValueError(f"the length {length} is no multiple of the {count} devices")
    if not need <= halo <= shard:
        raise ValueError(f"the halo is {halo}, expected at least the largest window less one, {need}, and at most a "
                         f"shard, {shard}")

    def with_halo(array):
        before = jax.lax.ppermute(array[:, shard - halo:], axis, [(i, i + 1) for i in range(count - 1)])
        return jnp.concatenate([before, array], 1)

    along = PartitionSpec(None, axis)

    @functools.partial(jax.shard_map, mesh=mesh, in_specs=(along, along, along),
                       out_specs=(along, PartitionSpec(None, None, axis)))
    def attend(query, keys, values):
        start = jax.lax.axis_index(axis) * shard
        return simplexir.jax.attention(query, [with_halo(k) for k in keys], [with_halo(v) for v in values], windows,
                                       positions=(start, start - halo), key_range=(0, length), **attributes)

    return attend(query, keys, values)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--devices", type=int, default=4)
    parser.add_argument("--length", type=int, default=1024)
    parser.add_argument("--halo", type=int, default=128)
    parser.add_argument("--windows", type=int, nargs=2, default=[128, 16])
    options = parser.parse_args()
    # Before JAX looks for devices.
    os.environ["XLA_FLAGS"] = (os.environ.get("XLA_FLAGS", "") +
                               f" --xla_force_host_platform_device_count={options.devices}")
    import jax
    import jax.numpy as jnp
    import numpy as np

    import simplexir.jax

    if len(jax.devices()) < options.devices:
        parser.error(f"found {len(jax.devices())} devices, expected {options.devices}")
    mesh = jax.make_mesh((options.devices,), ("sequence",))
    draw = functools.partial(np.random.default_rng(0).standard_normal, dtype=np.float32)
    query = jnp.asarray(draw((2, options.length, 8, 64)))
    keys, values = ([jnp.asarray(draw((2, options.length, 2, 64))) for _ in range(2)] for _ in range(2))
    biases = dict(key_biases=[0.0, 1 / 64], value_biases=[0.0, 1.0])
    whole = jax.jit(lambda *x: simplexir.jax.attention(*x, options.windows, **biases))(query, keys, values)
    along = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(None, "sequence"))
    shards = jax.jit(lambda *x: sharded_attention(*x, options.windows, mesh, halo=options.halo, **biases))(
        *jax.device_put((query, keys, values), along))
    shards = jax.device_get(shards)
    error = float(jnp.linalg.norm(shards[0] - whole[0]) / jnp.linalg.norm(whole[0]))
    worst = float(jnp.abs(shards[1] - whole[1]).max())
    same = all(bool((a == b).all()) for a, b in zip(shards, whole))
    print(f"{options.devices} shards of {options.length // options.devices} queries, halo {options.halo}: out differs by "
          f"{error:.1e}, lse by {worst:.1e}{', the same bits' if same else ''}")
    return 0 if error < 1e-5 and worst < 1e-4 else 1


if __name__ == "__main__":
    raise SystemExit(main())
