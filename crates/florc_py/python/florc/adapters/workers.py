"""Iterators of loaders with workers that have given all.

    for batch in DataLoader(data, num_workers=2): ...     # an object that still holds the iterator holds its end

Before the end, samples lie in queues, and workers have a state of their own: such an iterator cannot be captured,
nor can one whose workers go on living.
"""

import sys


def save(value):
    """What `load` takes, or `None` for all but those without an item left."""
    data = sys.modules["torch"].utils.data.dataloader
    if type(value) is not data._MultiProcessingDataLoaderIter or value._persistent_workers:
        return None
    # as `_next_data` looks for what is to come
    waiting = (value._task_info.get(task) for task in range(value._rcvd_idx, value._send_idx))
    if any(info and (len(info) == 2 or value._workers_status[info[0]]) for info in waiting):
        return None
    return ("exhausted", type(value), value._index_sampler)


def load(cls, batches):
    value = cls.__new__(cls)
    vars(value).update(_END, _index_sampler=batches)
    return value


# no worker, no task: `next` ends at once
_END = {
    "_shutdown": True,
    "_persistent_workers": False,
    "_workers_status": [],
    "_task_info": {},
    "_send_idx": 0,
    "_rcvd_idx": 0,
    "_sampler_iter": (),
    "_profile_name": "exhausted",
}
