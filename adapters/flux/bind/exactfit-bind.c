/* exactfit-bind: each task of a job on the cores and GPUs of its own slot.
 *
 * R of a job that exactfit placed says which slot got what (scheduling.placement). The shell's own plugins deal ids out
 * in ascending order, cores and GPUs apart, or bind all tasks to all of them. This plugin binds nothing itself: it tells
 * those what to bind, by setting the shell options
 *
 *   cpu-affinity=map:...    the PUs of each local task: those of the cores of its slot
 *   gpu-affinity=map:...    the GPUs of each local task
 *   taskmap=manual:...      tasks per node, where the shell's own differ from the slots per node
 *
 * while it is loaded, as options are read soon after. What the user set is left as it is. On anything unexpected nothing
 * is set, and a line at debug level (-o verbose=1) says why: a job never fails of it.
 *
 * It acts where the job asks for it (-o exactfit.bind) or the site does (conf of the plugin, bind = true); -o
 * exactfit.bind=0 is no. Where nodes are the job's alone, Flux's spreading over all of their cores stays, unless the job
 * says -o exactfit.bind=exclusive.
 */
#define FLUX_SHELL_PLUGIN_NAME "exactfit-bind"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flux/core.h>
#include <flux/idset.h>
#include <flux/shell.h>
#include <hwloc.h>
#include <jansson.h>

struct node {
    int rank;      /* of its broker, by which R calls it */
    int tasks;     /* that it has: as the shell has them, then as they are to be */
    json_t *slots; /* of R's placement, in ascending order of their ids */
};

struct job {
    int size; /* nodes */
    int here; /* the node of this shell */
    int ntasks;
    int nslots;
    struct node *nodes; /* by the shell's rank */
};

/* Whether, and how, tasks are to be bound: "no", "yes" or "exclusive". */
static const char *wanted (flux_plugin_t *p, flux_shell_t *shell)
{
    json_t *options = NULL;
    int site = 0;

    (void)flux_plugin_conf_unpack (p, "{s?b}", "bind", &site);
    if (flux_shell_getopt_unpack (shell, "exactfit", "o", &options) > 0) {
        json_t *bind = json_object_get (options, "bind");
        const char *text = json_string_value (bind);

        if (text && strcmp (text, "exclusive") == 0)
            return "exclusive";
        if (bind)
            return json_is_true (bind) || json_integer_value (bind) == 1 ? "yes" : "no";
    }
    return site ? "yes" : "no";
}

static bool is_set (flux_shell_t *shell, const char *option)
{
    json_t *value;

    return flux_shell_getopt_unpack (shell, option, "o", &value) > 0;
}

/* Read how many nodes and tasks the shell has, and which brokers they are. */
static int read_tasks (flux_shell_t *shell, struct job *job)
{
    if (flux_shell_info_unpack (shell, "{s:i s:i s:i}", "size", &job->size, "rank", &job->here, "ntasks", &job->ntasks)
        < 0)
        return -1;
    if (!(job->nodes = calloc (job->size, sizeof (*job->nodes))))
        return -1;
    for (int i = 0; i < job->size; i++) {
        struct node *node = &job->nodes[i];
        if (flux_shell_rank_info_unpack (shell, i, "{s:i s:i}", "broker_rank", &node->rank, "ntasks", &node->tasks) < 0)
            return -1;
    }
    return 0;
}

static struct node *find_node (struct job *job, unsigned int rank)
{
    /* Nodes are in the order of R, which is most often that of ranks. */
    int low = 0, high = job->size;

    while (low < high) {
        int middle = (low + high) / 2;
        if (job->nodes[middle].rank < (int)rank)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < job->size && job->nodes[low].rank == (int)rank)
        return &job->nodes[low];
    for (int i = 0; i < job->size; i++)
        if (job->nodes[i].rank == (int)rank)
            return &job->nodes[i];
    return NULL;
}

/* Tell whether these are whole slots that have cores, all of the one kind that tasks run in. */
static const char *fault_of (json_t *slots, const char *label)
{
    size_t i;
    json_t *slot;

    json_array_foreach (slots, i, slot) {
        const char *is = json_string_value (json_object_get (slot, "label"));
        if (!is || strcmp (is, label) != 0)
            return "there are slots in which no tasks run";
        if (json_object_get (slot, "slot"))
            return "a slot has several nodes";
        if (!json_is_string (json_object_get (slot, "cores")))
            return "a slot has no cores";
    }
    return NULL;
}

/* Find the slots of each node in R's placement; say what is in the way, NULL for nothing. */
static const char *read_slots (json_t *placement, const char *label, struct job *job)
{
    size_t i;
    json_t *entry;
    const char *fault = NULL;

    json_array_foreach (placement, i, entry) {
        const char *ranks = json_string_value (json_object_get (entry, "ranks"));
        json_t *slots = json_object_get (entry, "slots");
        struct idset *ids;

        if (!json_is_array (slots) || json_array_size (slots) == 0)
            continue; /* Of a job's amounts, those that belong to no slot. */
        if ((fault = fault_of (slots, label)))
            return fault;
        if (!ranks || !(ids = idset_decode (ranks)))
            return "R's placement has no ranks";
        for (unsigned int rank = idset_first (ids); rank != IDSET_INVALID_ID && !fault; rank = idset_next (ids, rank)) {
            struct node *node = find_node (job, rank);
            if (!node || node->slots)
                fault = "R's placement has other ranks than the job";
            else {
                node->slots = slots;
                job->nslots += (int)json_array_size (slots);
            }
        }
        idset_destroy (ids);
        if (fault)
            return fault;
    }
    for (int n = 0; n < job->size; n++)
        if (!job->nodes[n].slots)
            return "a node has no slots";
    return NULL;
}

/* Decide how many tasks each node has. */
static const char *share_out (struct job *job, bool fixed, bool *moved)
{
    *moved = false;
    if (job->nslots == 0 || job->ntasks % job->nslots != 0) {
        /* More slots than tasks, as for -N2 -n3: the shell's own numbers will do where each task has a slot. */
        for (int n = 0; n < job->size; n++)
            if (job->nodes[n].tasks > (int)json_array_size (job->nodes[n].slots))
                return "there is no slot for each task";
        return NULL;
    }
    for (int n = 0; n < job->size; n++) {
        int tasks = (int)json_array_size (job->nodes[n].slots) * (job->ntasks / job->nslots);
        if (tasks != job->nodes[n].tasks) {
            if (fixed)
                return "the job has a taskmap of its own";
            *moved = true;
            job->nodes[n].tasks = tasks;
        }
    }
    return NULL;
}

/* Set RFC 34's map of the tasks: [first node, nodes, tasks of each, repetitions]. */
static int set_taskmap (flux_shell_t *shell, const struct job *job)
{
    json_t *map = json_array ();
    char *text = NULL;
    int rc = -1;

    if (!map)
        return -1;
    for (int first = 0, next; first < job->size; first = next) {
        int tasks = job->nodes[first].tasks;
        for (next = first + 1; next < job->size && job->nodes[next].tasks == tasks;)
            next++;
        if (json_array_append_new (map, json_pack ("[iiii]", first, next - first, tasks, 1)) < 0)
            goto done;
    }
    if ((text = json_dumps (map, JSON_COMPACT)))
        rc = flux_shell_setopt_pack (shell, "taskmap", "{s:s s:s}", "scheme", "manual", "value", text);
done:
    free (text);
    json_decref (map);
    return rc;
}

static hwloc_topology_t load_topology (flux_shell_t *shell)
{
    hwloc_topology_t topology;
    const char *xml;

    if (flux_shell_get_hwloc_xml (shell, &xml) < 0 || hwloc_topology_init (&topology) < 0)
        return NULL;
    if (hwloc_topology_set_xmlbuffer (topology, xml, (int)strlen (xml) + 1) < 0 || hwloc_topology_load (topology) < 0) {
        hwloc_topology_destroy (topology);
        return NULL;
    }
    return topology;
}

/* Return the PUs of cores, which R calls by hwloc's logical index; NULL if the node has not all of them. */
static char *pus_of (hwloc_topology_t topology, const char *cores)
{
    hwloc_bitmap_t ids = hwloc_bitmap_alloc (), pus = hwloc_bitmap_alloc ();
    char *text = NULL;
    int id;

    if (!ids || !pus || hwloc_bitmap_list_sscanf (ids, cores) < 0 || hwloc_bitmap_weight (ids) <= 0)
        goto done;
    hwloc_bitmap_foreach_begin (id, ids)
    {
        hwloc_obj_t core = hwloc_get_obj_by_type (topology, HWLOC_OBJ_CORE, id);
        if (!core || !core->cpuset)
            goto done;
        hwloc_bitmap_or (pus, pus, core->cpuset);
    }
    hwloc_bitmap_foreach_end ();
    if (hwloc_bitmap_list_asprintf (&text, pus) < 0)
        text = NULL;
done:
    hwloc_bitmap_free (ids);
    hwloc_bitmap_free (pus);
    return text;
}

/* Set an option to "map:..." with the ids of each local task's slot, after words that may stand there. */
static int set_map (flux_shell_t *shell,
                    const char *option,
                    const char *words,
                    const struct job *job,
                    char *(*of_slot) (void *arg, json_t *slot),
                    void *arg)
{
    const struct node *node = &job->nodes[job->here];
    int each = job->ntasks % job->nslots ? 1 : job->ntasks / job->nslots;
    char *map = NULL;
    size_t length;
    FILE *out = open_memstream (&map, &length);
    int rc = -1;

    if (!out)
        return -1;
    fprintf (out, "%s%smap:", words, *words ? "," : "");
    for (int task = 0; task < node->tasks; task++) {
        char *ids = of_slot (arg, json_array_get (node->slots, task / each));
        if (!ids) {
            fclose (out);
            goto done;
        }
        fprintf (out, "%s%s", task ? ";" : "", ids);
        free (ids);
    }
    if (fclose (out) == 0)
        rc = flux_shell_setopt_pack (shell, option, "s", map);
done:
    if (rc == 0)
        shell_debug ("%s=%s", option, map);
    free (map);
    return rc;
}

static char *pus_of_slot (void *topology, json_t *slot)
{
    return pus_of (topology, json_string_value (json_object_get (slot, "cores")));
}

static char *gpus_of_slot (void *arg, json_t *slot)
{
    const char *gpus = json_string_value (json_object_get (slot, "gpus"));

    (void)arg;
    return gpus && *gpus ? strdup (gpus) : NULL;
}

/* Return whether the job's cpu-affinity, if any, only says what to print, so that a map can follow it. */
static bool leaves_cores (flux_shell_t *shell, const char **words)
{
    json_t *value;
    const char *at;

    *words = "";
    if (flux_shell_getopt_unpack (shell, "cpu-affinity", "o", &value) <= 0)
        return true;
    if (!(at = *words = json_string_value (value)))
        return false;
    while (*at) {
        size_t length = strcspn (at, ",");
        if (strncmp (at, "verbose", length) != 0 && strncmp (at, "dry-run", length) != 0)
            return false;
        at += length + (at[length] == ',');
    }
    return true;
}

static void bind_here (flux_shell_t *shell, const struct job *job)
{
    hwloc_topology_t topology;
    const char *words;

    if (!leaves_cores (shell, &words))
        shell_debug ("cores: left to the job's own cpu-affinity");
    else if (!(topology = load_topology (shell)))
        shell_debug ("cores: not bound to slots: hwloc does not read the shell's topology");
    else {
        if (set_map (shell, "cpu-affinity", words, job, pus_of_slot, topology) < 0)
            shell_debug ("cores: not bound to slots: this node has not all that R says");
        hwloc_topology_destroy (topology);
    }
    if (is_set (shell, "gpu-affinity"))
        shell_debug ("GPUs: left to the job's own gpu-affinity");
    else if (json_object_get (json_array_get (job->nodes[job->here].slots, 0), "gpus")
             && set_map (shell, "gpu-affinity", "", job, gpus_of_slot, NULL) < 0)
        shell_debug ("GPUs: not bound to slots: not every slot has some");
}

/* Read all that is needed, and set the options; say what is in the way, NULL for nothing. */
static const char *bind (flux_shell_t *shell, bool exclusive, struct job *job)
{
    json_t *placement;
    const char *label, *fault;
    int alone = 0;
    bool moved;

    if (flux_shell_jobspec_info_unpack (shell, "{s?b}", "node_exclusive", &alone) < 0)
        return "the jobspec is not understood";
    if (alone && !exclusive)
        return "the nodes are the job's alone, and -o exactfit.bind=exclusive is not given";
    if (is_set (shell, "per-resource"))
        return "tasks are counted per resource, not per slot";
    if (flux_shell_info_unpack (shell,
                                "{s:{s:{s:o}} s:{s:[{s:s}!]}}",
                                "R",
                                "scheduling",
                                "placement",
                                &placement,
                                "jobspec",
                                "tasks",
                                "slot",
                                &label)
        < 0)
        return "R does not say which slot got what, or tasks run in several kinds of slots";
    if (read_tasks (shell, job) < 0)
        return "the shell does not say where its tasks are";
    if ((fault = read_slots (placement, label, job)) || (fault = share_out (job, is_set (shell, "taskmap"), &moved)))
        return fault;
    if (moved && set_taskmap (shell, job) < 0)
        return "the map of the tasks cannot be set";
    bind_here (shell, job);
    return NULL;
}

int flux_plugin_init (flux_plugin_t *p)
{
    flux_shell_t *shell = flux_plugin_get_shell (p);
    struct job job = {0};
    const char *how, *fault;

    if (flux_plugin_set_name (p, FLUX_SHELL_PLUGIN_NAME) < 0)
        return -1;
    if (!shell || strcmp (how = wanted (p, shell), "no") == 0)
        return 0;
    if ((fault = bind (shell, strcmp (how, "exclusive") == 0, &job)))
        shell_debug ("tasks are not bound to slots: %s", fault);
    free (job.nodes);
    return 0;
}
