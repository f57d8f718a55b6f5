using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Reflection.Metadata;

namespace MagicBellJwt.Tests.Loading;

/// <summary>The types of many assemblies by name, to find in them what another assembly refers to.</summary>
internal sealed class TypeIndex
{
    private readonly Dictionary<string, List<(MetadataReader Reader, TypeDefinition Type)>> _types = [];

    public TypeIndex(IEnumerable<MetadataReader> assemblies)
    {
        foreach (MetadataReader reader in assemblies)
        {
            foreach (TypeDefinitionHandle handle in reader.TypeDefinitions)
            {
                string name = Names.Instance.GetTypeFromDefinition(reader, handle, 0);
                if (!_types.TryGetValue(name, out var found))
                {
                    _types[name] = found = [];
                }

                found.Add((reader, reader.GetTypeDefinition(handle)));
            }
        }
    }

    /// <summary>How many references were looked up.</summary>
    public int Checked { get; private set; }

    /// <summary>The types and members that an assembly refers to and that are not there.</summary>
    public IEnumerable<string> MissingFrom(MetadataReader reader)
    {
        foreach (TypeReferenceHandle handle in reader.TypeReferences)
        {
            Checked++;
            string name = Names.Instance.GetTypeFromReference(reader, handle, 0);
            if (!_types.ContainsKey(name))
            {
                yield return name;
            }
        }

        foreach (MemberReferenceHandle handle in reader.MemberReferences)
        {
            MemberReference member = reader.GetMemberReference(handle);
            string? owner = OwnerOf(reader, member.Parent);
            if (owner is not null && _types.ContainsKey(owner))
            {
                Checked++;
                string text = SignatureOf(reader, member);
                if (!WithBases(owner).SelectMany(Members).Contains(text))
                {
                    yield return owner + " " + text;
                }
            }
        }
    }

    // Null for an array, whose members the runtime makes, and for a method of the assembly itself that is called with more arguments.
    private static string? OwnerOf(MetadataReader reader, EntityHandle parent) => parent.Kind switch
    {
        HandleKind.TypeReference => Names.Instance.GetTypeFromReference(reader, (TypeReferenceHandle)parent, 0),
        HandleKind.TypeDefinition => Names.Instance.GetTypeFromDefinition(reader, (TypeDefinitionHandle)parent, 0),
        HandleKind.TypeSpecification when reader.GetTypeSpecification((TypeSpecificationHandle)parent).DecodeSignature(Names.Instance, null) is var name && !name.EndsWith(']') => name.Split('<')[0],
        _ => null,
    };

    private static string SignatureOf(MetadataReader reader, MemberReference member) => member.GetKind() == MemberReferenceKind.Field
        ? member.DecodeFieldSignature(Names.Instance, null) + " " + reader.GetString(member.Name)
        : Text(reader.GetString(member.Name), member.DecodeMethodSignature(Names.Instance, null));

    private static string Text(string name, MethodSignature<string> signature) =>
        $"{(signature.Header.IsInstance ? "" : "static ")}{signature.ReturnType} {name}`{signature.GenericParameterCount}({string.Join(", ", signature.ParameterTypes)})";

    private static IEnumerable<string> Members((MetadataReader Reader, TypeDefinition Type) type) =>
    [
        .. type.Type.GetMethods().Select(type.Reader.GetMethodDefinition).Select(method => Text(type.Reader.GetString(method.Name), method.DecodeSignature(Names.Instance, null))),
        .. type.Type.GetFields().Select(type.Reader.GetFieldDefinition).Select(field => field.DecodeSignature(Names.Instance, null) + " " + type.Reader.GetString(field.Name)),
    ];

    private IEnumerable<(MetadataReader Reader, TypeDefinition Type)> WithBases(string? name)
    {
        while (name is not null && _types.TryGetValue(name, out var found))
        {
            foreach (var type in found)
            {
                yield return type;
            }

            (MetadataReader reader, TypeDefinition last) = found[^1];
            name = last.BaseType.IsNil ? null : OwnerOf(reader, last.BaseType);
        }
    }

    /// <summary>Signatures as text, without the assemblies that their types are in.</summary>
    private sealed class Names : ISignatureTypeProvider<string, object?>
    {
        public static readonly Names Instance = new();

        public string GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind)
        {
            TypeDefinition type = reader.GetTypeDefinition(handle);
            string name = reader.GetString(type.Name);
            return type.IsNested ? GetTypeFromDefinition(reader, type.GetDeclaringType(), 0) + "+" + name : Full(reader.GetString(type.Namespace), name);
        }

        public string GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind)
        {
            TypeReference type = reader.GetTypeReference(handle);
            string name = reader.GetString(type.Name);
            return type.ResolutionScope.Kind == HandleKind.TypeReference
                ? GetTypeFromReference(reader, (TypeReferenceHandle)type.ResolutionScope, 0) + "+" + name
                : Full(reader.GetString(type.Namespace), name);
        }

        public string GetTypeFromSpecification(MetadataReader reader, object? context, TypeSpecificationHandle handle, byte rawTypeKind) =>
            reader.GetTypeSpecification(handle).DecodeSignature(this, context);

        public string GetPrimitiveType(PrimitiveTypeCode typeCode) => typeCode.ToString();

        public string GetGenericInstantiation(string genericType, ImmutableArray<string> typeArguments) => $"{genericType}<{string.Join(",", typeArguments)}>";

        public string GetGenericMethodParameter(object? context, int index) => "!!" + index;

        public string GetGenericTypeParameter(object? context, int index) => "!" + index;

        public string GetSZArrayType(string elementType) => elementType + "[]";

        public string GetArrayType(string elementType, ArrayShape shape) => $"{elementType}[{new string(',', shape.Rank - 1)}]";

        public string GetByReferenceType(string elementType) => elementType + "&";

        public string GetPointerType(string elementType) => elementType + "*";

        public string GetPinnedType(string elementType) => elementType;

        // An init accessor is marked so; a caller is as well.
        public string GetModifiedType(string modifier, string unmodifiedType, bool isRequired) => unmodifiedType;

        public string GetFunctionPointerType(MethodSignature<string> signature) => Text("", signature);

        private static string Full(string space, string name) => space.Length == 0 ? name : space + "." + name;
    }
}
