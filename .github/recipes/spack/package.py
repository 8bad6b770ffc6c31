# SPDX-License-Identifier: Apache-2.0

from spack.package import *


class PyExactfit(PythonPackage):
    """A resource allocator for high-performance computing that proves its placements optimal."""

    # Addresses are placeholders until the first public release.
    homepage = "https://example.org/exactfit"
    git = "https://example.org/exactfit.git"

    license("Apache-2.0")

    version("main", branch="main")

    variant("draw", default=False, description="Pictures in files")
    variant("study", default=False, description="Studies of workloads")

    depends_on("python@3.10:", type=("build", "run"))
    depends_on("py-setuptools@77:", type="build")
    depends_on("py-immutables@0.21:0.21", type=("build", "run"))
    depends_on("py-lark@1.2:1", type=("build", "run"))
    depends_on("py-networkx@3.2:3", type=("build", "run"))
    depends_on("py-numpy@1.26:2", type=("build", "run"))
    depends_on("py-ortools@9.12:9", type=("build", "run"))
    depends_on("py-pyyaml@6:6", type=("build", "run"))
    depends_on("py-rich@13.7:15", type=("build", "run"))
    depends_on("py-typer@0.29:0", type=("build", "run"))
    depends_on("py-matplotlib@3.8:3", type=("build", "run"), when="+draw")
    depends_on("py-matplotlib@3.8:3", type=("build", "run"), when="+study")
    depends_on("py-pyarrow@15:", type=("build", "run"), when="+study")
