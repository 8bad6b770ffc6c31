"""Jobs from traces and from a generator, all as `TraceJob`.

`source` opens what a user names and tells its kind; `swf`, `flux_jobs` and `sacct` read the kinds there are; `lublin`
is the model of Lublin and Feitelson (2003), of which `exactfit.adapters.study.generate` makes jobs.
"""
