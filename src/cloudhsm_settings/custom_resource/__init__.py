"""crhelper made dependable: operations that outlive an invocation, with one owner and one end.

It knows nothing of CloudHSM and imports nothing from its parent; what a resource is, `Traits` tells it.

    resource    ScheduledResource: what crhelper calls, and the one table from exceptions to outcomes
    operation   one request in flight: open, checkpoint, accept, wait, end, pay
    order       which of two requests for a resource is the newer one
    record      what is known of a resource, as a frozen value
    store       the table that keeps records; `memory` is its twin
    schedules   the clock
    event       requests and polls, read with suspicion
    response    the bodies that CloudFormation reads
    delivery    PUT
"""
