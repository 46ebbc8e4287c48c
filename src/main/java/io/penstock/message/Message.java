package io.penstock.message;

/** Anything that travels on the bus. Implementations are immutable records of immutable parts. */
public sealed interface Message
    permits Route,
        Plan,
        Refusal,
        Admit,
        Grant,
        Batch,
        Seat,
        NotOwner,
        Withdraw,
        Release,
        Renew,
        RenewAnswer,
        Census,
        CensusAnswer,
        HealthReport,
        Doubt,
        AskHealth,
        ListModels,
        Models,
        Beacon,
        DrainMarks,
        AskPool,
        PoolReport,
        AskNode,
        NodeReport {}
