#!/usr/bin/env bash
# JAX 0.10.2 on CPU: a jitted matrix product in float32 has other last bits on one core than on two, with
# the same version, seed and processor.
#
# A good guess: the same program on the same processor gives the same numbers, and the number of cores is
# about speed. Seen: XLA's CPU client cuts some products by the size of its thread pool, which is the
# number of cores that the process may use, so another CPU limit of a container, or taskset, is enough.
# Random numbers stay the same. PJRT_NPROC sets the size whatever the cores;
# `--xla_cpu_multi_thread_eigen=false`, which reads as if it did, leaves this product as it was. A sampler
# such as NUTS turns the last bit into another chain: in a media mix model of 104 weeks, a channel's
# mean total differed by 1.4% between one core and two.
# In adcanary: pipelines/jobs/mmm/lightweight/compat.py sets the size of the pool, and the instruction set,
# before JAX starts.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6
cat > "$folder/sum.py" <<'PY'
import jax
import numpy as np

jax.config.update("jax_platforms", "cpu")
values = np.random.default_rng(1).standard_normal((20_000, 8)).astype(np.float32)
drawn = jax.random.normal(jax.random.PRNGKey(1), (8,))
product = jax.jit(lambda x: x.T @ x)(values)
print(np.asarray(product)[0].tobytes().hex(), np.asarray(drawn).tobytes().hex()[:16])
PY
run() { env "$@" "$folder/venv/bin/python" "$folder/sum.py" 2>/dev/null; }
one=$(run PJRT_NPROC=1)
two=$(run PJRT_NPROC=2)
single=$(run PJRT_NPROC=2 XLA_FLAGS=--xla_cpu_multi_thread_eigen=false)
echo "one core:              $one"
echo "two cores:             $two"
echo "two, 'single thread':  $single"
[ "${one% *}" != "${two% *}" ] || { echo "changed: the products are the same"; exit 1; }
[ "${one#* }" = "${two#* }" ] || { echo "changed: the random numbers differ"; exit 1; }
[ "$single" = "$two" ] || { echo "changed: the flag makes a difference"; exit 1; }
echo "As found: JAX 0.10.2's products depend on the number of cores."
