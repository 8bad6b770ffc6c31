from .ResourceCount import ResourceCount as ResourceCount
from .ResourcePool import ResourcePool as ResourcePool
from .ResourcePoolImplementation import InfeasibleRequest as InfeasibleRequest
from .ResourcePoolImplementation import InsufficientResources as InsufficientResources
from .ResourceSet import ResourceSet as ResourceSet
from .Rv1Pool import Rv1Pool as Rv1Pool
from .Rv1Set import Rv1Set as Rv1Set
