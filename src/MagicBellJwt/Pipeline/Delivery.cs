namespace MagicBellJwt;

/// <summary>What became of an object that was to be written to the pipeline.</summary>
internal enum Delivery
{
    /// <summary>Nobody was given it: the pipeline had ended, or was stopping, before.</summary>
    Refused,

    /// <summary>The pipeline ended while it was written: another command may have it, and may have kept it.</summary>
    Interrupted,

    /// <summary>It was written. A later end of the pipeline may still lose it.</summary>
    Written,
}
